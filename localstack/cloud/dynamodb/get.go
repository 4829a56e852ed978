package dynamodb

import (
	"context"

	"hark/localstack/cloud/dynamodb/attr"
)

// getRequest is the request of GetItem, or one Get of TransactGetItems.
type getRequest struct {
	TableName              string
	Key                    attr.Map
	ConsistentRead         bool
	ProjectionExpression   *string
	ReturnConsumedCapacity detail
	placeholders
	legacy
}

func (s *Service) getItem(ctx context.Context, r *getRequest) ([]byte, error) {
	if err := s.allow(ctx, r.TableName, "GetItem"); err != nil {
		return nil, err
	}
	if err := r.ReturnConsumedCapacity.valid(); err != nil {
		return nil, err
	}
	g, err := s.prepareGet(r)
	if err != nil {
		return nil, err
	}
	g.table.mu.RLock()
	found := g.table.get(g.key)
	g.table.mu.RUnlock()
	cost := s.reads(by(ctx, "GetItem"))
	cost.add(g.table.name, readUnits(found.bytes(), r.ConsistentRead))
	var o object
	if found != nil {
		o.item("Item", g.selection.of(found.attrs))
	}
	cost.writeOne(&o, r.ReturnConsumedCapacity)
	return o.end(), nil
}

// get is a checked getRequest.
type get struct {
	table     *table
	key       *item
	selection selection
}

func (s *Service) prepareGet(r *getRequest) (get, error) {
	if err := r.unsupported(); err != nil {
		return get{}, err
	}
	chosen, err := s.selection(r.ProjectionExpression, r.params())
	if err != nil {
		return get{}, err
	}
	t, err := s.table(r.TableName)
	if err != nil {
		return get{}, err
	}
	key, err := t.keyOf(r.Key)
	return get{table: t, key: key, selection: chosen}, err
}
