package main

import "testing"

func TestLogicalIDsNeverMove(t *testing.T) { inEachForm(t, testLogicalIDsNeverMove) }

func testLogicalIDsNeverMove(t *testing.T, f form, tmpl template) {
	want := map[string]string{
		"Apps":           "AWS::DynamoDB::Table", // retained: a new id would add an empty table
		"State":          "AWS::DynamoDB::Table",
		"Broadcasts":     "AWS::SQS::Queue",
		"DeadBroadcasts": "AWS::SQS::Queue",
		"Socket":         "AWS::ApiGatewayV2::Api",
		"Stage":          "AWS::ApiGatewayV2::Stage",
		"PublishUrl":     "AWS::Lambda::Url",              // its host is in users' .env files
		"Client":         "AWS::CloudFront::Distribution", // and so is this one, and in web pages
		"ViewerRequest":  "AWS::CloudFront::Function",
	}
	if f.name == "webhooks" {
		for _, id := range []string{
			"Checks", "DeadChecks", "Deliveries", "DeadDeliveries", "Publish", "DeadPublish",
		} {
			want[id] = "AWS::SQS::Queue"
		}
		want["Bus"] = "AWS::Events::EventBus" // whose name is fixed
	}
	for _, id := range f.ids() {
		want[id] = "AWS::Lambda::Function"
		want[id+"Role"] = "AWS::IAM::Role"
		want[id+"Logs"] = "AWS::Logs::LogGroup"
	}
	for id, cfnType := range want {
		if got := tmpl.Resources[id].Type; got != cfnType {
			t.Errorf("%s is a %q, not a %s", id, got, cfnType)
		}
	}
}
