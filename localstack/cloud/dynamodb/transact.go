package dynamodb

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hark/localstack/cloud/dynamodb/attr"
	"hark/localstack/cloud/meter"
)

// maxTransaction is the number of items that a transaction may have.
const maxTransaction = 100

type transactWriteRequest struct {
	TransactItems          []transactWrite
	ClientRequestToken     string
	ReturnConsumedCapacity detail
}

// transactWrite has exactly one of its fields set.
type transactWrite struct {
	ConditionCheck *deleteRequest
	Put            *putRequest
	Update         *updateRequest
	Delete         *deleteRequest
}

// transactWriteItems does all of the writes or none.
func (s *Service) transactWriteItems(ctx context.Context, r *transactWriteRequest) ([]byte, error) {
	if err := checkCount(len(r.TransactItems)); err != nil {
		return nil, err
	}
	if err := r.ReturnConsumedCapacity.valid(); err != nil {
		return nil, err
	}
	writes := make([]*write, len(r.TransactItems))
	keys := make(keySet)
	for i, t := range r.TransactItems {
		w, err := s.prepareTransact(ctx, t)
		if err != nil {
			return nil, err
		}
		if !keys.add(w.table.name, w.key) {
			return nil, invalid(
				"Transaction request cannot include multiple operations on one item",
			)
		}
		writes[i] = w
	}
	request, err := r.fingerprint()
	if err != nil {
		return nil, err
	}
	cost, err := s.transact(writes, by(ctx, "TransactWriteItems"), r.ClientRequestToken, request)
	if err != nil {
		return nil, err
	}
	var o object
	cost.writeList(&o, r.ReturnConsumedCapacity)
	return o.end(), nil
}

// fingerprint is equal for equal requests, whatever the order of the keys in their JSON.
func (r *transactWriteRequest) fingerprint() ([sha256.Size]byte, error) {
	if r.ClientRequestToken == "" {
		return [sha256.Size]byte{}, nil
	}
	canonical, err := json.Marshal(r.TransactItems)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("fingerprint of a transaction: %w", err)
	}
	return sha256.Sum256(canonical), nil
}

func checkCount(n int) error {
	switch {
	case n == 0:
		return invalid("1 validation error detected: Value '[]' at 'transactItems' failed to " +
			"satisfy constraint: Member must have length greater than or equal to 1")
	case n > maxTransaction:
		return invalid("1 validation error detected: Value at 'transactItems' failed to " +
			"satisfy constraint: Member must have length less than or equal to 100")
	}
	return nil
}

// prepareTransact authorizes and checks one write. It needs the permission of the single operation,
// such as PutItem.
func (s *Service) prepareTransact(ctx context.Context, t transactWrite) (*write, error) {
	var (
		action  string
		request *conditional
		prepare func() (*write, error)
		n       int
	)
	if t.ConditionCheck != nil {
		action, request = "ConditionCheckItem", &t.ConditionCheck.conditional
		prepare = func() (*write, error) { return s.prepareCheck(t.ConditionCheck) }
		n++
	}
	if t.Put != nil {
		action, request = "PutItem", &t.Put.conditional
		prepare = func() (*write, error) { return s.preparePut(t.Put) }
		n++
	}
	if t.Update != nil {
		action, request = "UpdateItem", &t.Update.conditional
		prepare = func() (*write, error) { w, _, err := s.prepareUpdate(t.Update); return w, err }
		n++
	}
	if t.Delete != nil {
		action, request = "DeleteItem", &t.Delete.conditional
		prepare = func() (*write, error) { return s.prepareDelete(t.Delete) }
		n++
	}
	if n != 1 {
		return nil, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	if err := s.allow(ctx, request.TableName, action); err != nil {
		return nil, err
	}
	if err := request.unsupported(); err != nil {
		return nil, err
	}
	return prepare()
}

// transact decides and stores the writes with all their tables locked, and bills them. If the token
// was used for the same request within the last ten minutes, it succeeds and changes nothing. AWS
// bills that as reads, of the items' present sizes.
func (s *Service) transact(
	writes []*write, by meter.By, token string, request [sha256.Size]byte,
) (*consumption, error) {
	defer lockAll(writes)()
	now := s.opts.Now()
	repeated, err := s.tokens.wasUsed(token, request, now)
	if err != nil {
		return nil, err
	}
	if repeated {
		cost := s.reads(by)
		for _, w := range writes {
			cost.add(w.table.name, transactional*readUnits(w.table.get(w.key).bytes(), true))
		}
		return cost, nil
	}
	after := make([]*item, len(writes))
	reasons := make([]reason, len(writes))
	canceled := false
	cost := s.writes(by)
	for i, w := range writes {
		before := w.table.get(w.key)
		next, err := w.decide(before)
		if reasons[i], err = reasonOf(err); err != nil {
			return nil, err
		}
		canceled = canceled || reasons[i].Code != "None"
		after[i] = next
		cost.add(w.table.name, transactional*writeUnits(before, next))
	}
	if canceled {
		return nil, errCanceled(reasons)
	}
	for i, w := range writes {
		w.table.store(w.key, after[i], now)
	}
	s.tokens.remember(token, request, now)
	return cost, nil
}

// lockAll locks the tables of the writes, always in the order of their names. It returns the
// function that unlocks them.
func lockAll(writes []*write) (unlock func()) {
	var tables []*table
	for _, w := range writes {
		if !slices.Contains(tables, w.table) {
			tables = append(tables, w.table)
		}
	}
	slices.SortFunc(tables, func(a, b *table) int { return strings.Compare(a.name, b.name) })
	for _, t := range tables {
		t.mu.Lock()
	}
	return func() {
		for _, t := range tables {
			t.mu.Unlock()
		}
	}
}

// reasonOf turns the outcome of one write into its cancellation reason. Failed conditions and
// updates that do not fit the item cancel a transaction ("TransactWriteItems": cancellation
// reasons). It returns other errors as they are.
func reasonOf(err error) (reason, error) {
	var (
		api *apiError
		bad attr.Invalid
	)
	switch {
	case err == nil:
		return reason{Code: "None"}, nil
	case errors.As(err, &api) && api.code == codeCondition:
		return reason{Code: "ConditionalCheckFailed", Message: api.message, Item: api.item}, nil
	case errors.As(err, &bad):
		return reason{Code: "ValidationError", Message: string(bad)}, nil
	}
	return reason{}, err
}

func errCanceled(reasons []reason) error {
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.Code
	}
	return &apiError{
		code: codeCanceled,
		message: "Transaction cancelled, please refer cancellation reasons for specific reasons [" +
			strings.Join(codes, ", ") + "]",
		reasons: reasons,
	}
}

type transactGetRequest struct {
	TransactItems          []struct{ Get *getRequest }
	ReturnConsumedCapacity detail
}

// transactGetItems reads all of the items at one moment.
func (s *Service) transactGetItems(ctx context.Context, r *transactGetRequest) ([]byte, error) {
	if err := checkCount(len(r.TransactItems)); err != nil {
		return nil, err
	}
	if err := r.ReturnConsumedCapacity.valid(); err != nil {
		return nil, err
	}
	gets := make([]get, len(r.TransactItems))
	writes := make([]*write, len(r.TransactItems)) // for their locks
	keys := make(keySet)
	for i, t := range r.TransactItems {
		if t.Get == nil {
			return nil, invalid("TransactItems must contain Get")
		}
		if err := s.allow(ctx, t.Get.TableName, "GetItem"); err != nil {
			return nil, err
		}
		g, err := s.prepareGet(t.Get)
		if err != nil {
			return nil, err
		}
		if !keys.add(g.table.name, g.key) {
			return nil, invalid(
				"Transaction request cannot include multiple operations on one item",
			)
		}
		gets[i], writes[i] = g, &write{table: g.table}
	}
	return s.snapshot(gets, writes, by(ctx, "TransactGetItems"), r.ReturnConsumedCapacity)
}

func (s *Service) snapshot(gets []get, writes []*write, by meter.By, d detail) ([]byte, error) {
	unlock := lockAll(writes)
	found := make([]*item, len(gets))
	for i, g := range gets {
		found[i] = g.table.get(g.key)
	}
	unlock()
	cost := s.reads(by)
	list := []byte("[")
	for i, g := range gets {
		cost.add(g.table.name, transactional*readUnits(found[i].bytes(), true))
		var o object
		if found[i] != nil {
			o.item("Item", g.selection.of(found[i].attrs))
		}
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, o.end()...)
	}
	var o object
	o.raw("Responses", append(list, ']'))
	cost.writeList(&o, d)
	return o.end(), nil
}
