package cloud

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAddressesOfAWSBecomeLocal(t *testing.T) {
	c := &Cloud{opts: Options{Region: region, Endpoint: "http://127.0.0.1:4566"}}
	got := map[string]string{
		"JOBS_QUEUE":             "https://sqs.us-east-1.amazonaws.com/000000000000/Shop-Jobs.fifo",
		"STATE_TABLE":            "Shop-State",
		"ELSEWHERE":              "https://sqs.eu-west-1.amazonaws.com/1/x",
		callbackVariable:         "https://abc123.execute-api.us-east-1.amazonaws.com/v1",
		"SOME_OTHER_CALLBACK_OF": "https://abc123.execute-api.us-east-1.amazonaws.com/v1",
	}
	if err := c.localize(got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"JOBS_QUEUE":             "http://127.0.0.1:4566/000000000000/Shop-Jobs.fifo",
		"STATE_TABLE":            "Shop-State",
		"ELSEWHERE":              "https://sqs.eu-west-1.amazonaws.com/1/x",
		callbackVariable:         "http://127.0.0.1:4566/_aws/execute-api/abc123/v1",
		"SOME_OTHER_CALLBACK_OF": "https://abc123.execute-api.us-east-1.amazonaws.com/v1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	err := c.localize(map[string]string{callbackVariable: "https://sockets.example.com"})
	const refusal = callbackVariable + ": https://sockets.example.com is not the address"
	if err == nil || !strings.Contains(err.Error(), refusal) {
		t.Errorf("error %v", err)
	}
}
