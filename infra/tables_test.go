package main

import (
	"slices"
	"testing"
)

func TestTablesAreOnDemandAndAppsIsRetained(t *testing.T) {
	tmpl := golden(t, "default")
	if got := tmpl.ofType("AWS::DynamoDB::Table"); !slices.Equal(got, []string{"Apps", "State"}) {
		t.Fatalf("tables: %v", got)
	}
	for _, id := range []string{"Apps", "State"} {
		if got := tmpl.at(id, "BillingMode"); got != "PAY_PER_REQUEST" {
			t.Errorf("%s is billed by %v", id, got)
		}
		for _, slow := range []string{
			"GlobalSecondaryIndexes", "LocalSecondaryIndexes", "StreamSpecification",
		} {
			if got := tmpl.at(id, slow); got != nil {
				t.Errorf("%s has %s: %v", id, slow, got)
			}
		}
	}
	ttl := text(tmpl.at("State", "TimeToLiveSpecification"))
	if ttl != `{"AttributeName":"expires","Enabled":true}` {
		t.Errorf("State expires by %v", ttl)
	}
	if got := tmpl.Resources["State"].DeletionPolicy; got != "Delete" {
		t.Errorf("State: %s", got)
	}
	if got := tmpl.Resources["Apps"].DeletionPolicy; got != "Retain" {
		t.Errorf("Apps: %s", got)
	}
	if tmpl.at("Apps", "DeletionProtectionEnabled") != true {
		t.Error("Apps can be deleted")
	}
	if tmpl.at("Apps", "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") != true {
		t.Error("Apps cannot be recovered")
	}
}
