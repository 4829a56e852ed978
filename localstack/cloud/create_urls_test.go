package cloud

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAFunctionURLWithoutPermissionsAnswers403(t *testing.T) {
	stack := stackOf(t, workURL)
	c, err := boot(t, stack)
	if err != nil {
		t.Fatal(err)
	}
	host := strings.Trim(strings.TrimPrefix(stack.OfType("AWS::Lambda::Url")[0].Attributes["FunctionUrl"], "https:"), "/")
	for _, handler := range []http.Handler{c.Host(host), c.functionURL(strings.Split(host, ".")[0])} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/up", nil))
		if w.Code != http.StatusForbidden || w.Body.String() != `{"Message":"Forbidden"}` {
			t.Errorf("status %d, %s", w.Code, w.Body)
		}
	}
}
