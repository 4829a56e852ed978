package cloud

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestAFunctionURLWithoutPermissionsAnswers403(t *testing.T) {
	stack := stackOf(t, workURL)
	c, err := boot(t, stack)
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(stack.OfType("AWS::Lambda::Url")[0].Attributes["FunctionUrl"])
	if err != nil {
		t.Fatal(err)
	}
	id, _, _ := strings.Cut(address.Host, ".")
	for _, handler := range []http.Handler{c.Host(address.Host), c.functionURL(id)} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/up", nil))
		if w.Code != http.StatusForbidden || w.Body.String() != `{"Message":"Forbidden"}` {
			t.Errorf("status %d, %s", w.Code, w.Body)
		}
	}
}
