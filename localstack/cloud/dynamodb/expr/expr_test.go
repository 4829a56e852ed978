package expr_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"hark/localstack/cloud/dynamodb/attr"
	"hark/localstack/cloud/dynamodb/expr"
)

func document(t testing.TB, s string) attr.Map {
	t.Helper()
	var m attr.Map
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTextIsParsedOnce(t *testing.T) {
	var c expr.Cache
	first, err := c.Predicate(expr.Condition, "attribute_exists(a)")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := c.Predicate(expr.Condition, "attribute_exists(a)"); again != first {
		t.Error("parsed again")
	}
	if other, _ := c.Predicate(expr.Filter, "attribute_exists(a)"); other == first {
		t.Error("a filter is not a condition: its errors have another name")
	}
	for range 3000 { // far beyond the cache's size
		text := "attribute_exists(a" + strings.Repeat("b", 3000) + ")"
		if _, err := c.Predicate(expr.Condition, text); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTextTooLong(t *testing.T) {
	var c expr.Cache
	_, err := c.Predicate(expr.Condition, "attribute_exists("+strings.Repeat("a", 4096)+")")
	if err == nil ||
		!strings.Contains(err.Error(), "Expression size has exceeded the maximum allowed size") {
		t.Errorf("%v", err)
	}
}

// FuzzExpressions parses arbitrary text as each kind of expression and evaluates what is accepted.
// Nothing may panic, an error must be a validation error, and an update may not change the item
// that it was given.
func FuzzExpressions(f *testing.F) {
	const item = `{"pk":{"S":"a"},"n":{"N":"5"},"l":{"L":[{"N":"1"},{"S":"x"}]},` +
		`"m":{"M":{"x":{"N":"1"}}},"ss":{"SS":["a","b"]},"t":{"BOOL":true}}`
	for _, seed := range []string{
		"attribute_exists(n) AND NOT (n = :n OR size(l) > :n)", "n BETWEEN :n AND :n",
		"m.x IN (:n, l[0])", "#m.#x <= :n",
		"begins_with(pk, :s) or contains(ss, :s)", "pk = :s AND begins_with(sk, :s)",
		"pk = :s AND sk BETWEEN :s AND :s",
		"SET n = n + :n, m.y = if_not_exists(m.y, :n) REMOVE l[0] ADD ss :ss",
		"DELETE ss :ss SET l[5] = :n",
		"SET l = list_append(l, :l)", "n, m.x, l[1]", "((n = :n))", "SET a", "n IN", "a[",
		"a.b.c[0][1].d", "NOT NOT n = :n",
		"SET a = (n", "REMOVE a,", "ADD a", "n = :n)", "#m", ":n", "SET pk = :s SET n = :n", "a..b",
		"[0]", "n = \x00",
	} {
		f.Add(seed)
	}
	values := document(
		f, `{":n":{"N":"1"},":s":{"S":"a"},":ss":{"SS":["a"]},":l":{"L":[{"N":"2"}]}}`,
	)
	names := map[string]string{"#m": "m", "#x": "x"}
	var c expr.Cache
	f.Fuzz(func(t *testing.T, text string) {
		given := document(t, item)
		p := expr.Params{Names: names, Values: values}
		for _, kind := range []expr.Kind{expr.Condition, expr.Filter} {
			if e, err := c.Predicate(kind, text); valid(t, err) && valid(t, usable(p, e)) {
				e.Match(given, p)
				e.Match(nil, p)
				e.Mentions(p, "pk")
			}
		}
		if e, err := c.KeyRange(text); valid(t, err) && valid(t, usable(p, e)) {
			_, err := e.Bind(
				p, expr.Key{Name: "pk", Type: attr.TypeS}, expr.Key{Name: "sk", Type: attr.TypeS},
			)
			valid(t, err)
		}
		if e, err := c.Selection(text); valid(t, err) && valid(t, usable(p, e)) {
			project, err := e.Bind(p)
			if valid(t, err) {
				project(given)
			}
		}
		if e, err := c.Change(text); valid(t, err) && valid(t, usable(p, e)) {
			after, err := e.Apply(given, p)
			if valid(t, err) && after == nil {
				t.Error("no item after the update")
			}
			e.Touches(p, "pk")
		}
		if !attr.Equal(given, document(t, item)) {
			t.Errorf("the item has changed: %s", given.AppendJSON(nil))
		}
	})
}

// usable checks the expression against the placeholders. It need not use all of them.
func usable(p expr.Params, e expr.Expression) error {
	err := p.Check(e)
	if err != nil && strings.Contains(err.Error(), "unused in expressions") {
		return nil
	}
	return err
}

// valid reports whether there is no error; one that is not a validation error fails the test.
func valid(t *testing.T, err error) bool {
	t.Helper()
	var invalid attr.Invalid
	if err != nil && !errors.As(err, &invalid) {
		t.Errorf("not a validation error: %v", err)
	}
	return err == nil
}
