package gateway

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"hark/localstack/cloud/meter"
)

// The route keys with a meaning of their own.
const (
	routeConnect    = "$connect"
	routeDisconnect = "$disconnect"
	routeDefault    = "$default"
)

// api is a running API.
type api struct {
	*Service
	id, stage string
	domain    string // its own host name
	selection selection
	routes    map[string]*route
}

// route is a route of a running API.
type route struct {
	key      string
	function string        // ARN
	twoWay   bool          // what the function returns goes to the client
	limit    *rate.Limiter // nil if there is no limit
}

func newAPI(s *Service, spec API) (*api, error) {
	selection, err := parseSelection(spec.RouteSelectionExpression)
	if err != nil {
		return nil, err
	}
	a := &api{
		Service:   s,
		id:        spec.ID,
		stage:     spec.Stage,
		domain:    spec.ID + ".execute-api." + s.opts.Region + ".amazonaws.com",
		selection: selection,
		routes:    make(map[string]*route, len(spec.Routes)),
	}
	for key, r := range spec.Routes {
		if a.routes[key], err = newRoute(key, r, spec.DefaultRouteSettings); err != nil {
			return nil, fmt.Errorf("route %s: %w", key, err)
		}
	}
	return a, nil
}

func newRoute(key string, spec Route, throttle Throttle) (*route, error) {
	switch {
	case key == "":
		return nil, fmt.Errorf("a route needs a key")
	case key[0] == '$' && key != routeConnect && key != routeDisconnect && key != routeDefault:
		return nil, fmt.Errorf("the provided route key is not formatted properly")
	case spec.IntegrationType != "AWS_PROXY":
		return nil, fmt.Errorf(
			"IntegrationType %q is not supported here, only AWS_PROXY", spec.IntegrationType,
		)
	case spec.AuthorizationType != "" && spec.AuthorizationType != "NONE":
		return nil, fmt.Errorf("AuthorizationType %s is not supported here", spec.AuthorizationType)
	}
	r := &route{key: key, function: functionARN(spec.IntegrationURI)}
	if r.function == "" {
		return nil, fmt.Errorf("IntegrationUri %q does not name a function", spec.IntegrationURI)
	}
	switch spec.RouteResponseSelectionExpression {
	case "":
	case "$default":
		r.twoWay = true
	default:
		return nil, fmt.Errorf("RouteResponseSelectionExpression %q: only $default exists",
			spec.RouteResponseSelectionExpression)
	}
	if spec.Throttle != nil {
		throttle = *spec.Throttle
	}
	if throttle.Rate > 0 {
		r.limit = rate.NewLimiter(rate.Limit(throttle.Rate), throttle.Burst)
	}
	return r, nil
}

// functionARN returns the function's ARN in an integration's URI; empty if there is none.
func functionARN(uri string) string {
	if _, path, ok := strings.Cut(uri, ":lambda:path/"); ok {
		_, uri, _ = strings.Cut(path, "/functions/")
		uri = strings.TrimSuffix(uri, "/invocations")
	}
	if !strings.HasPrefix(uri, "arn:") || !strings.Contains(uri, ":lambda:") {
		return ""
	}
	return uri
}

// by says under which function and operation the route's own messages are counted.
func (r *route) by() meter.By {
	if r == nil {
		return meter.By{}
	}
	return meter.By{
		Function: r.function[strings.LastIndexByte(r.function, ':')+1:], Operation: r.key,
	}
}

// allow takes a token of the route's bucket, and reports whether there was one.
func (r *route) allow(now time.Time) bool { return r.limit == nil || r.limit.AllowN(now, 1) }
