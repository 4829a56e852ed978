package dynamodb_test

import (
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"

	"hark/localstack/cloud/dynamodb"
	"hark/localstack/cloud/faults"
)

// TestRequestsCanBeRefused checks the answers through the SDK, which retries by itself.
func TestRequestsCanBeRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		answer   int // the fault's status
		status   int
		code     string
		throttle bool
	}{
		{"a table on demand throttles with 400", 429, 400, "ThrottlingException", true},
		{"a failure", 500, 500, "InternalServerError", false},
		{"an outage", 503, 503, "ServiceUnavailableException", false},
		{"any other status is a failure", 507, 507, "InternalServerError", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			set := new(faults.Set)
			set.Add(faults.Order{Faults: []faults.Fault{{
				Do: faults.Answer, Operation: "PutItem", Status: tt.answer, Count: 1,
			}}})
			s := dynamodb.New(dynamodb.Options{Faults: set})
			for _, spec := range specs() {
				if err := s.Create(spec); err != nil {
					t.Fatal(err)
				}
			}
			server := httptest.NewServer(s)
			defer server.Close()
			e := &engine{Client: client(server.URL), pk: t.Name()}
			_, err := e.PutItem(t.Context(), &sdk.PutItemInput{
				TableName: e.table(state), Item: e.item(t, "a", M{"n": 1}),
			},
				func(o *sdk.Options) { o.RetryMaxAttempts = 1 })
			var api smithy.APIError
			var response *awshttp.ResponseError
			if !errors.As(err, &api) || api.ErrorCode() != tt.code || !errors.As(err, &response) ||
				response.HTTPStatusCode() != tt.status {
				t.Fatalf("error %v", err)
			}
			throttles := retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}
			if got := throttles.IsErrorThrottle(err).Bool(); got != tt.throttle {
				t.Errorf("the SDK takes it for a throttle: %v", got)
			}
			if got := e.get(t, "a"); got != nil {
				t.Errorf("the item was written: %v", got)
			}
			e.put(t, "a", M{"n": 1})
			if got := e.get(t, "a"); len(got) != 1 {
				t.Errorf("the next one wrote %v", got)
			}
		})
	}
}
