package template_test

import (
	"strings"
	"testing"

	"hark/localstack/cloud/template"
)

// document is a template of a queue Jobs with a property P.
func document(value string) string {
	return `{
		"Parameters": {
			"Version": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/x"},
			"Names": {"Type": "CommaDelimitedList", "Default": "a, b"},
			"Empty": {"Type": "String"}
		},
		"Mappings": {"Regions": {"us-east-1": {"rps": 10000}}},
		"Conditions": {
			"Yes": {"Fn::And": [{"Fn::Equals": [1, "1"]}, {"Fn::Not": [{"Condition": "No"}]}]},
			"No": {"Fn::Equals": ["a", "b"]},
			"Circle": {"Fn::Not": [{"Condition": "Circle"}]},
			"Odd": {"Fn::Contains": ["a", "b"]}
		},
		"Resources": {
			"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"P": ` + value + `}},
			"Never": {"Type": "AWS::SQS::Queue", "Condition": "No"},
			"Own": {"Type": "AWS::Other::Thing"}
		}
	}`
}

// refusedValues are values of the property P that cannot be resolved.
var refusedValues = []struct{ name, value, want string }{
	{
		"an unknown function", `{"a": [{"Fn::Cidr": []}]}`,
		"resource Jobs: Properties.P.a[0]: Fn::Cidr: this function is not supported by the " +
			"local cloud",
	},
	{
		"an unknown function inside another", `{"Fn::Join": ["", [{"Fn::ImportValue": "x"}]]}`,
		"resource Jobs: Properties.P.Fn::Join[1][0]: Fn::ImportValue: this function is not " +
			"supported by the local cloud",
	},
	{
		"an unknown attribute", `{"Fn::GetAtt": ["Jobs", "Age"]}`,
		"Fn::GetAtt: the attribute Age of Jobs (AWS::SQS::Queue) is not known to the local " +
			"cloud",
	},
	{
		"an attribute of a type that is not known", `{"Fn::GetAtt": "Own.Arn"}`,
		"attribute Arn of Own (AWS::Other::Thing)",
	},
	{
		"an attribute in a Sub", `{"Fn::Sub": "x${Jobs.Age}"}`,
		"Properties.P: Fn::Sub: the attribute Age of Jobs",
	},
	{
		"a resource that is not there", `{"Ref": "Absent"}`,
		`Properties.P: Ref: there is no resource or parameter "Absent"`,
	},
	{
		"a resource whose condition does not hold", `{"Ref": "Never"}`,
		"Never does not exist: its condition No does not hold",
	},
	{
		"an unknown pseudo parameter", `{"Ref": "AWS::NotificationARNs"}`,
		"AWS::NotificationARNs is not supported",
	},
	{
		"a parameter of Systems Manager", `{"Ref": "Version"}`,
		"parameter Version is looked up in Systems Manager",
	},
	{"a parameter without a default", `{"Ref": "Empty"}`, "parameter Empty has no default"},
	{
		"a function beside other keys", `{"Fn::Sub": "x", "y": 1}`,
		"Properties.P: Fn::Sub stands beside other keys",
	},
	{
		"an index past the end", `{"Fn::Select": [2, ["a"]]}`,
		`there is no item "2" in a list of 1`,
	},
	{
		"a join of an object", `{"Fn::Join": ["", [{"a": 1}]]}`,
		"Properties.P.Fn::Join[1][0] is not a string",
	},
	{
		"a select from what is no list", `{"Fn::Select": [0, "a"]}`,
		"Properties.P.Fn::Select[1] is not a list",
	},
	{"a split by nothing", `{"Fn::Split": ["", "a"]}`, "Fn::Split: its separator"},
	{"an open variable", `{"Fn::Sub": "${Jobs"}`, "Fn::Sub: a ${ has no }"},
	{
		"a mapping that is not there", `{"Fn::FindInMap": ["Regions", "mars", "rps"]}`,
		"there is no mapping Regions.mars.rps",
	},
	{
		"a condition that is not there", `{"Fn::If": ["Absent", 1, 2]}`,
		`Fn::If: condition "Absent" is not defined`,
	},
	{
		"a condition that needs itself", `{"Fn::If": ["Circle", 1, 2]}`,
		"condition Circle depends on itself",
	},
	{
		"an unknown condition function", `{"Fn::If": ["Odd", 1, 2]}`,
		"condition Odd: Fn::Contains is not supported in a condition",
	},
}

func TestRefusalsNameTheResourceAndThePlace(t *testing.T) {
	for _, tt := range refusedValues {
		t.Run(tt.name, func(t *testing.T) {
			tmpl, err := template.Parse([]byte(document(tt.value)))
			if err != nil {
				t.Fatal(err)
			}
			if _, err = tmpl.Resolve(env()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v\nwant one with %q", err, tt.want)
			}
		})
	}
}

func TestNamesThatDependOnThemselvesAreRefused(t *testing.T) {
	tmpl, err := template.Parse([]byte(`{"Resources": {
		"A": {"Type": "AWS::SQS::Queue",
			"Properties": {"QueueName": {"Fn::GetAtt": ["B", "QueueName"]}}},
		"B": {"Type": "AWS::SQS::Queue",
			"Properties": {"QueueName": {"Fn::GetAtt": ["A", "QueueName"]}}}
	}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = tmpl.Resolve(env()); err == nil ||
		!strings.Contains(err.Error(), "the name of A depends on itself") {
		t.Errorf("error %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct{ name, data, want string }{
		{"what is not JSON", `Resources:`, "read template: invalid character"},
		{"two documents", `{"Resources": {"A": {"Type": "T"}}} {}`, "something follows"},
		{"a template without resources", `{}`, "no Resources"},
		{
			"a macro",
			`{"Transform": "AWS::Serverless-2016-10-31", "Resources": {"A": {"Type": "T"}}}`,
			"Transform",
		},
		{"a resource without a type", `{"Resources": {"A": {}}}`, "resource A: it has no Type"},
		{
			"a resource with an undefined condition",
			`{"Resources": {"A": {"Type": "T", "Condition": "C"}}}`,
			`resource A: condition "C" is not defined`,
		},
		{
			"an output with an undefined condition",
			`{"Resources": {"A": {"Type": "T"}}, "Outputs": {"O": {"Condition": "C", "Value": 1}}}`,
			`output O: condition "C" is not defined`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := template.Parse([]byte(tt.data)); err == nil ||
				!strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}
