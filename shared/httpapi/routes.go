package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// route is one endpoint of the API. A * in its path matches one segment: an app's ID, a channel's
// name or a user's ID.
type route struct {
	method, path string
	endpoint     endpoint
}

func (a *API) routes() []route {
	return []route{
		{http.MethodPost, "/apps/*/events", a.events},
		{http.MethodPost, "/apps/*/batch_events", a.batchEvents},
		{http.MethodGet, "/apps/*/channels", a.channels},
		{http.MethodGet, "/apps/*/channels/*", a.channel},
		{http.MethodGet, "/apps/*/channels/*/users", a.users},
		{http.MethodPost, "/apps/*/users/*/terminate_connections", a.terminate},
		{http.MethodGet, "/apps/*/connections", a.connections},
	}
}

// Handler returns the API as an http.Handler. It does not use http.ServeMux, which cleans paths: a
// path is signed as it was sent, and a channel may be called "..". Anything that a stage or a proxy
// puts in front of /apps is ignored; it is not signed either.
func (a *API) Handler() http.Handler {
	routes := a.routes()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.EscapedPath()
		if path == "/up" {
			if allowed(w, r, http.MethodGet) {
				reply(w, map[string]string{"health": "OK"})
			}
			return
		}
		if i := strings.Index(path, "/apps/"); i > 0 {
			path = path[i:]
		}
		for _, route := range routes {
			if args, found := match(route.path, path); found {
				if allowed(w, r, route.method) {
					a.serve(w, r, path, args, route.endpoint)
				}
				return
			}
		}
		http.Error(w, "Not found.", http.StatusNotFound)
	})
}

// allowed reports whether a route has the request's method, and answers 405 if not. A route that
// has GET has HEAD too.
func allowed(w http.ResponseWriter, r *http.Request, method string) bool {
	allow := []string{method}
	if method == http.MethodGet {
		allow = append(allow, http.MethodHead)
	}
	if slices.Contains(allow, r.Method) {
		return true
	}
	w.Header().Set("Allow", strings.Join(allow, ", "))
	http.Error(w, "Method not allowed.", http.StatusMethodNotAllowed)
	return false
}

// match compares an escaped path with a route's path and returns the decoded segment for each *.
func match(pattern, path string) (args []string, found bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	for i := range want {
		if want[i] != "*" {
			if want[i] != got[i] {
				return nil, false
			}
			continue
		}
		arg, err := url.PathUnescape(got[i])
		if err != nil || arg == "" {
			return nil, false
		}
		args = append(args, arg)
	}
	return args, true
}
