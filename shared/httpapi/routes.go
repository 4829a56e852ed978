package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// route is one line of the API. A * in its path stands for one segment, decoded: an app's ID, a channel's name, a user's ID.
type route struct {
	method, path string
	to           endpoint
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

// Handler returns the routes. It does not use http.ServeMux, which cleans paths: one is signed as it was sent, and a channel may be
// called "..". Whatever a stage or a proxy puts in front of /apps is neither routed nor signed.
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
		for _, to := range routes {
			if args, found := match(to.path, path); found {
				if allowed(w, r, to.method) {
					a.serve(w, r, path, args, to.to)
				}
				return
			}
		}
		http.Error(w, "Not found.", http.StatusNotFound)
	})
}

// allowed reports whether a route takes the request's method, and answers 405 if not. What can be got can be asked for its head.
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

// match compares an escaped path with a route's, and returns what stands for each *.
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
