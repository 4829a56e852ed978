package template_test

import (
	"testing"

	"hark/localstack/cloud/template"
)

func TestARuleIsNamedAfterItsBus(t *testing.T) {
	tmpl, err := template.Parse([]byte(`{"Resources": {
		"Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "Hark"}},
		"Mine": {"Type": "AWS::Events::Rule", "Properties": {"EventBusName": {"Ref": "Bus"}}},
		"ByARN": {"Type": "AWS::Events::Rule",
			"Properties": {"EventBusName": {"Fn::GetAtt": ["Bus", "Arn"]}}},
		"Plain": {"Type": "AWS::Events::Rule", "Properties": {"EventBusName": "default"}},
		"Clock": {"Type": "AWS::Events::Rule"}
	}}`))
	if err != nil {
		t.Fatal(err)
	}
	stack, err := tmpl.Resolve(template.Env{StackName: "S", Region: "us-east-1", Account: "1"})
	if err != nil {
		t.Fatal(err)
	}
	const arn = "arn:aws:events:us-east-1:1:"
	want := map[string][2]string{
		"Bus": {"Hark", arn + "event-bus/Hark"}, "Mine": {"Hark|S-Mine", arn + "rule/Hark/S-Mine"},
		"ByARN": {"Hark|S-ByARN", arn + "rule/Hark/S-ByARN"},
		"Plain": {"S-Plain", arn + "rule/S-Plain"}, "Clock": {"S-Clock", arn + "rule/S-Clock"},
	}
	for _, res := range stack.Resources {
		if got := [2]string{res.ID, res.Attributes["Arn"]}; got != want[res.LogicalID] {
			t.Errorf("%s: %v", res.LogicalID, got)
		}
	}
}
