package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"hark/localstack/cloud/wildcard"
)

// The managed policies that are supported (CloudFront Developer Guide, managed policies).
const (
	cachingDisabled           = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
	allViewerExceptHostHeader = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
)

// config is a DistributionConfig. Decoding refuses properties that are not listed, by name. Raw
// properties have no effect.
type config struct {
	Enabled              bool
	Origins              []origin
	DefaultCacheBehavior behavior
	CacheBehaviors       []behavior
	CustomErrorResponses []errorResponse

	Aliases, Comment, HttpVersion, IPV6Enabled, PriceClass json.RawMessage
	ViewerCertificate, Logging, WebACLId                   json.RawMessage
}

type origin struct {
	Id, DomainName, OriginPath string
	OriginCustomHeaders        []struct{ HeaderName, HeaderValue string }

	CustomOriginConfig, ConnectionAttempts       json.RawMessage
	ConnectionTimeout, ResponseCompletionTimeout json.RawMessage
}

type behavior struct {
	PathPattern           string
	TargetOriginId        string
	AllowedMethods        []string
	CachePolicyId         string
	OriginRequestPolicyId string
	FunctionAssociations  []struct{ EventType, FunctionARN string }

	CachedMethods, ViewerProtocolPolicy, Compress json.RawMessage

	origin *origin // of TargetOriginId
}

type errorResponse struct {
	ErrorCode          int
	ErrorCachingMinTTL *int
}

// parse reads the properties of an AWS::CloudFront::Distribution.
func parse(properties json.RawMessage) (*config, error) {
	var p struct {
		DistributionConfig json.RawMessage
		Tags               json.RawMessage
	}
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	if p.DistributionConfig == nil {
		return nil, errors.New("DistributionConfig is missing")
	}
	var c config
	if err := decode(p.DistributionConfig, &c); err != nil {
		return nil, err
	}
	if !c.Enabled {
		return nil, errors.New("the distribution is not Enabled")
	}
	for _, e := range c.CustomErrorResponses {
		if e.ErrorCachingMinTTL == nil || *e.ErrorCachingMinTTL != 0 {
			return nil, fmt.Errorf(
				"CustomErrorResponses for %d: only ErrorCachingMinTTL 0 is supported", e.ErrorCode,
			)
		}
	}
	if err := c.DefaultCacheBehavior.check(c.Origins); err != nil {
		return nil, fmt.Errorf("DefaultCacheBehavior: %w", err)
	}
	for i := range c.CacheBehaviors {
		if err := c.CacheBehaviors[i].check(c.Origins); err != nil {
			return nil, fmt.Errorf("CacheBehaviors %s: %w", c.CacheBehaviors[i].PathPattern, err)
		}
	}
	return &c, nil
}

func decode(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("cannot be read, or is not supported: %w", err)
	}
	return nil
}

// check refuses what is not supported, and finds the origin.
func (b *behavior) check(origins []origin) error {
	if b.CachePolicyId != cachingDisabled {
		return fmt.Errorf(
			"CachePolicyId %q is not supported, only CachingDisabled (%s)",
			b.CachePolicyId, cachingDisabled,
		)
	}
	if b.OriginRequestPolicyId != allViewerExceptHostHeader {
		return fmt.Errorf(
			"OriginRequestPolicyId %q is not supported, only AllViewerExceptHostHeader (%s)",
			b.OriginRequestPolicyId, allViewerExceptHostHeader,
		)
	}
	for _, f := range b.FunctionAssociations {
		if f.EventType != "viewer-request" {
			return fmt.Errorf(
				"FunctionAssociations: %s is not supported, only viewer-request", f.EventType,
			)
		}
	}
	i := slices.IndexFunc(origins, func(o origin) bool { return o.Id == b.TargetOriginId })
	if i < 0 {
		return fmt.Errorf("TargetOriginId %q is no origin", b.TargetOriginId)
	}
	b.origin = &origins[i]
	return nil
}

// behavior returns the first behavior whose pattern matches the path, or the default one.
func (c *config) behavior(path string) *behavior {
	for i := range c.CacheBehaviors {
		if matchPath(c.CacheBehaviors[i].PathPattern, path) {
			return &c.CacheBehaviors[i]
		}
	}
	return &c.DefaultCacheBehavior
}

// function returns the ARN of the function of all behaviors that have one; empty if none has. Two
// functions are an error.
func (c *config) function() (arn string, err error) {
	for _, b := range append([]behavior{c.DefaultCacheBehavior}, c.CacheBehaviors...) {
		for _, f := range b.FunctionAssociations {
			if arn != "" && arn != f.FunctionARN {
				return "", fmt.Errorf(
					"two functions are not supported: %s and %s", arn, f.FunctionARN,
				)
			}
			arn = f.FunctionARN
		}
	}
	return arn, nil
}

// allows reports whether the behavior accepts the method: GET and HEAD, or those in AllowedMethods.
func (b *behavior) allows(method string) bool {
	if len(b.AllowedMethods) == 0 {
		return method == http.MethodGet || method == http.MethodHead
	}
	return slices.Contains(b.AllowedMethods, method)
}

// matchPath reports whether the path matches the pattern, in which * is any text and ? is one
// character. A pattern may leave out its leading slash.
func matchPath(pattern, path string) bool {
	if len(pattern) == 0 || pattern[0] != '/' && pattern[0] != '*' {
		pattern = "/" + pattern
	}
	return wildcard.Match(pattern, path)
}
