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

	"hark/localstack/dynamodb/attr"
	"hark/localstack/iam"
)

const (
	target     = "DynamoDB_20120810."
	mediaType  = "application/x-amz-json-1.0"
	maxRequest = 16 << 20 // "Quotas": API-specific limits, BatchWriteItem
)

// ServeHTTP answers AWS JSON 1.0: a POST whose X-Amz-Target names the operation. The request's context carries the
// caller's role (package iam). Signatures are the business of whoever stands in front.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := s.serve(r)
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
	_, _ = w.Write(body) // the caller has gone: nobody to tell
}

func (s *Service) serve(r *http.Request) ([]byte, error) {
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), target)
	if !ok || r.Method != http.MethodPost {
		return nil, &apiError{code: codeUnknown, message: "not a POST with X-Amz-Target " + target + "{operation}"}
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
		return answer(ctx, body, s.getItem)
	case "PutItem":
		return answer(ctx, body, s.putItem)
	case "UpdateItem":
		return answer(ctx, body, s.updateItem)
	case "DeleteItem":
		return answer(ctx, body, s.deleteItem)
	case "Query":
		return answer(ctx, body, s.query)
	case "Scan":
		return answer(ctx, body, s.scan)
	case "BatchGetItem":
		return answer(ctx, body, s.batchGetItem)
	case "BatchWriteItem":
		return answer(ctx, body, s.batchWriteItem)
	case "TransactGetItems":
		return answer(ctx, body, s.transactGetItems)
	case "TransactWriteItems":
		return answer(ctx, body, s.transactWriteItems)
	case "DescribeTable":
		return answer(ctx, body, s.describeTable)
	case "DescribeTimeToLive":
		return answer(ctx, body, s.describeTimeToLive)
	case "ListTables":
		return answer(ctx, body, s.listTables)
	}
	return nil, &apiError{code: codeUnknown, message: operation + " is not part of the local cloud's DynamoDB; " +
		"scripts/localstack deploys to an emulator that may have it"}
}

// answer decodes the request, refuses what has been replaced or left out, and runs the operation.
func answer[T any](ctx context.Context, body []byte, run func(context.Context, *T) ([]byte, error)) ([]byte, error) {
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

// allow asks whether the caller may do the actions ("GetItem") on the table.
func (s *Service) allow(ctx context.Context, table string, actions ...string) error {
	for _, a := range actions {
		if err := iam.Check(ctx, "dynamodb:"+a, s.arn(table)); err != nil {
			return err
		}
	}
	return nil
}
