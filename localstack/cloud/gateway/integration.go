package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// proxyResponse is a function's response.
type proxyResponse struct {
	StatusCode        *int             `json:"statusCode"`
	Headers           map[string]any   `json:"headers"`
	MultiValueHeaders map[string][]any `json:"multiValueHeaders"`
	Body              string           `json:"body"`
	IsBase64Encoded   bool             `json:"isBase64Encoded"`
}

func (p *proxyResponse) status() int { return *p.StatusCode }

// header returns the first value of a header in either of its two forms.
func (p *proxyResponse) header(name string) string {
	for key, values := range p.MultiValueHeaders {
		if strings.EqualFold(key, name) && len(values) > 0 {
			return fmt.Sprint(values[0])
		}
	}
	for key, value := range p.Headers {
		if strings.EqualFold(key, name) {
			return fmt.Sprint(value)
		}
	}
	return ""
}

// invoke runs a route's function. failure is empty, or the message that API Gateway has for the
// client. The log has the cause.
func (a *api) invoke(r *route, connection string, e event) (out *proxyResponse, failure string) {
	ctx, cancel := context.WithTimeout(a.ctx, a.opts.IntegrationTimeout)
	defer cancel()
	out, err := a.call(ctx, r.function, e)
	if err == nil {
		return out, ""
	}
	if a.ctx.Err() == nil { // otherwise it is only the service that closes
		a.opts.Log.Warn(
			"integration failed",
			"route", r.key, "function", r.function, "connection", connection, "error", err,
		)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, timedOut
	}
	return nil, internalError
}

func (a *api) call(ctx context.Context, function string, e event) (*proxyResponse, error) {
	payload, err := e.encode()
	if err != nil {
		return nil, err
	}
	result, functionError, err := a.opts.Invoke(ctx, function, payload)
	if err != nil {
		return nil, err
	}
	if functionError != "" {
		return nil, fmt.Errorf("function error: %s", functionError)
	}
	var out proxyResponse
	if err := json.Unmarshal(result, &out); err != nil {
		return nil, fmt.Errorf("malformed proxy response: %w", err)
	}
	if out.StatusCode == nil || *out.StatusCode < 200 || *out.StatusCode > 599 {
		return nil, errors.New("malformed proxy response: statusCode is missing or no status")
	}
	return &out, nil
}
