package dynamodb

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"

	"hark/localstack/cloud/dynamodb/attr"
	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/iam"
)

const (
	target     = "DynamoDB_20120810."
	mediaType  = "application/x-amz-json-1.0"
	maxRequest = 16 << 20 // bytes ("Quotas": API-specific limits, BatchWriteItem)
)

// ServeHTTP answers AWS JSON 1.0: a POST whose X-Amz-Target names the operation. The request's
// context carries the caller's role (package iam). Signatures are not checked here.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), target)
	s.opts.Faults.Serve(
		w, r, faults.Place{Service: faults.DynamoDB, Operation: operation}, refuseByFault, s.answer,
	)
}

// answer runs the operation and writes its answer.
func (s *Service) answer(w http.ResponseWriter, r *http.Request) {
	body, err := s.serve(r)
	reply(w, body, err)
}

// refuseByFault writes the answer that a fault asks for. Status 429 becomes the 400 of a throttled
// on-demand table.
func refuseByFault(w http.ResponseWriter, status int) {
	failure := &apiError{
		code:       codeInternal,
		message:    "The request processing has failed because of an unknown error.",
		httpStatus: status,
	}
	switch status {
	case http.StatusTooManyRequests:
		failure = &apiError{
			code: codeThrottling,
			message: "Throughput exceeds the current capacity of your table or index. DynamoDB " +
				"is automatically scaling your table or index so please try again shortly.",
		}
	case http.StatusServiceUnavailable:
		failure = &apiError{
			code: codeUnavailable, message: "Service is unavailable", httpStatus: status,
		}
	}
	reply(w, nil, failure)
}

// reply writes the body, or the error if there is one.
func reply(w http.ResponseWriter, body []byte, err error) {
	status := http.StatusOK
	if err != nil {
		failure := asAPIError(err)
		status = failure.status()
		if body, err = failure.body(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amzn-Requestid", rand.Text())
	h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)) // SDKs verify it
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only if the caller has gone
}

func (s *Service) serve(r *http.Request) ([]byte, error) {
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), target)
	if !ok || r.Method != http.MethodPost {
		return nil, &apiError{
			code: codeUnknown, message: "not a POST with X-Amz-Target " + target + "{operation}",
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxRequest))
	if err != nil {
		return nil, &apiError{code: codeSerialization, message: err.Error()}
	}
	return s.do(r.Context(), operation, body)
}

func (s *Service) do(ctx context.Context, operation string, body []byte) ([]byte, error) {
	switch operation {
	case "GetItem":
		return operate(ctx, body, s.getItem)
	case "PutItem":
		return operate(ctx, body, s.putItem)
	case "UpdateItem":
		return operate(ctx, body, s.updateItem)
	case "DeleteItem":
		return operate(ctx, body, s.deleteItem)
	case "Query":
		return operate(ctx, body, s.query)
	case "Scan":
		return operate(ctx, body, s.scan)
	case "BatchGetItem":
		return operate(ctx, body, s.batchGetItem)
	case "BatchWriteItem":
		return operate(ctx, body, s.batchWriteItem)
	case "TransactGetItems":
		return operate(ctx, body, s.transactGetItems)
	case "TransactWriteItems":
		return operate(ctx, body, s.transactWriteItems)
	case "DescribeTable":
		return operate(ctx, body, s.describeTable)
	case "DescribeTimeToLive":
		return operate(ctx, body, s.describeTimeToLive)
	case "ListTables":
		return operate(ctx, body, s.listTables)
	}
	return nil, &apiError{code: codeUnknown, message: operation +
		" is not part of the local cloud's DynamoDB; " +
		"scripts/localstack deploys to an emulator that may have it"}
}

// operate decodes the request, refuses parameters that are not supported, and runs the operation.
func operate[T any](
	ctx context.Context, body []byte, run func(context.Context, *T) ([]byte, error),
) ([]byte, error) {
	request := new(T)
	if err := json.Unmarshal(body, request); err != nil {
		var bad attr.Invalid
		if errors.As(err, &bad) {
			return nil, bad
		}
		return nil, &apiError{code: codeSerialization, message: err.Error()}
	}
	if r, ok := any(request).(interface{ unsupported() error }); ok {
		if err := r.unsupported(); err != nil {
			return nil, err
		}
	}
	return run(ctx, request)
}

// allow fails unless the caller may do the actions ("GetItem") on the table.
func (s *Service) allow(ctx context.Context, table string, actions ...string) error {
	for _, a := range actions {
		if err := iam.Check(ctx, "dynamodb:"+a, s.opts.arn(table)); err != nil {
			return err
		}
	}
	return nil
}
