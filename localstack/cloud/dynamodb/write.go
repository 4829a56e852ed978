package dynamodb

import (
	"context"

	"hark/localstack/cloud/dynamodb/attr"
	"hark/localstack/cloud/dynamodb/expr"
	"hark/localstack/cloud/meter"
)

// conditional holds the parameters that all writes share, alone or in a transaction.
type conditional struct {
	TableName                           string
	ConditionExpression                 *string
	ReturnValues                        string
	ReturnConsumedCapacity              detail
	ReturnValuesOnConditionCheckFailure string
	placeholders
	legacy
}

type putRequest struct {
	Item attr.Map
	conditional
}

type updateRequest struct {
	Key              attr.Map
	UpdateExpression *string
	conditional
}

// deleteRequest is the request of DeleteItem, or of a Delete or ConditionCheck in a transaction.
type deleteRequest struct {
	Key attr.Map
	conditional
}

// write is a checked request to change one item. It is decided and stored while the table is
// locked.
type write struct {
	table     *table
	key       *item
	condition *expr.Predicate
	params    expr.Params
	showOld   bool // the error of a failed condition includes the item

	// next returns the new item for the old one, which may be nil. A nil result deletes the item.
	next func(old *item) (*item, error)
}

// decide checks the condition and returns the new item, nil for none.
func (w *write) decide(old *item) (*item, error) {
	if w.condition != nil && !w.condition.Match(old.document(), w.params) {
		if w.showOld {
			return nil, errCondition(old.document())
		}
		return nil, errCondition(nil)
	}
	return w.next(old)
}

// apply runs the write under the table's lock and bills it. A failed condition is billed for the
// item that it read ("Working with items": conditional writes).
func (s *Service) apply(w *write, by meter.By) (before, after *item, cost *consumption, err error) {
	w.table.mu.Lock()
	before = w.table.get(w.key)
	after, err = w.decide(before)
	if err == nil {
		w.table.store(w.key, after, s.opts.Now())
	}
	w.table.mu.Unlock()
	cost = s.writes(by)
	if err == nil || asAPIError(err).code == codeCondition {
		cost.add(w.table.name, writeUnits(before, after))
	}
	return before, after, cost, err
}

func (s *Service) putItem(ctx context.Context, r *putRequest) ([]byte, error) {
	if err := s.allow(ctx, r.TableName, "PutItem"); err != nil {
		return nil, err
	}
	w, err := s.preparePut(r)
	if err != nil {
		return nil, err
	}
	return s.replace(w, by(ctx, "PutItem"), r.ReturnValues, r.ReturnConsumedCapacity)
}

func (s *Service) deleteItem(ctx context.Context, r *deleteRequest) ([]byte, error) {
	if err := s.allow(ctx, r.TableName, "DeleteItem"); err != nil {
		return nil, err
	}
	w, err := s.prepareDelete(r)
	if err != nil {
		return nil, err
	}
	return s.replace(w, by(ctx, "DeleteItem"), r.ReturnValues, r.ReturnConsumedCapacity)
}

// replace runs a put or a delete. These can return only the old item.
func (s *Service) replace(w *write, by meter.By, returned string, d detail) ([]byte, error) {
	if returned != "" && returned != "NONE" && returned != "ALL_OLD" {
		return nil, invalid("Return values set to invalid value")
	}
	before, _, cost, err := s.apply(w, by)
	if err != nil {
		return nil, err
	}
	var o object
	if before != nil && returned == "ALL_OLD" {
		o.item("Attributes", before.attrs)
	}
	cost.writeOne(&o, d)
	return o.end(), nil
}

func (s *Service) updateItem(ctx context.Context, r *updateRequest) ([]byte, error) {
	if err := s.allow(ctx, r.TableName, "UpdateItem"); err != nil {
		return nil, err
	}
	w, change, err := s.prepareUpdate(r)
	if err != nil {
		return nil, err
	}
	switch r.ReturnValues {
	case "", "NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW":
	default:
		return nil, invalid("Return values set to invalid value")
	}
	before, after, cost, err := s.apply(w, by(ctx, "UpdateItem"))
	if err != nil {
		return nil, err
	}
	attributes, err := updated(r.ReturnValues, change, w.params, before, after)
	if err != nil {
		return nil, err
	}
	var o object
	if len(attributes) > 0 {
		o.item("Attributes", attributes)
	}
	cost.writeOne(&o, r.ReturnConsumedCapacity)
	return o.end(), nil
}

// updated returns the attributes that ReturnValues asks for. UPDATED_OLD and UPDATED_NEW are the
// values at the expression's paths.
func updated(
	returned string, change *expr.Change, p expr.Params, before, after *item,
) (attr.Map, error) {
	switch returned {
	case "ALL_OLD":
		return before.document(), nil
	case "ALL_NEW":
		return after.document(), nil
	}
	if change == nil {
		return nil, nil
	}
	switch returned {
	case "UPDATED_OLD":
		return change.Changed(before.document(), p)
	case "UPDATED_NEW":
		return change.Changed(after.document(), p)
	}
	return nil, nil
}

func (s *Service) preparePut(r *putRequest) (*write, error) {
	w, err := s.prepare(&r.conditional, nil)
	if err != nil {
		return nil, err
	}
	next, err := w.table.itemOf(r.Item)
	if err != nil {
		return nil, err
	}
	w.key = next
	w.next = func(*item) (*item, error) { return next, nil }
	return w, nil
}

func (s *Service) prepareDelete(r *deleteRequest) (*write, error) {
	w, err := s.prepare(&r.conditional, nil)
	if err != nil {
		return nil, err
	}
	w.next = func(*item) (*item, error) { return nil, nil }
	w.key, err = w.table.keyOf(r.Key)
	return w, err
}

// prepareCheck returns a write that leaves the item unchanged.
func (s *Service) prepareCheck(r *deleteRequest) (*write, error) {
	w, err := s.prepareDelete(r)
	if err != nil {
		return nil, err
	}
	if w.condition == nil {
		return nil, invalid("The ConditionExpression of a ConditionCheck must not be null")
	}
	w.next = func(old *item) (*item, error) { return old, nil }
	return w, nil
}

// prepareUpdate also returns the parsed UpdateExpression, nil if there is none.
func (s *Service) prepareUpdate(r *updateRequest) (*write, *expr.Change, error) {
	var change *expr.Change
	if r.UpdateExpression != nil {
		var err error
		if change, err = s.cache.Change(*r.UpdateExpression); err != nil {
			return nil, nil, err
		}
	}
	w, err := s.prepare(&r.conditional, change)
	if err != nil {
		return nil, nil, err
	}
	if w.key, err = w.table.keyOf(r.Key); err != nil {
		return nil, nil, err
	}
	if change != nil {
		if name := change.Touches(w.params, w.table.partition.Name, w.table.sort.Name); name != "" {
			return nil, nil, invalid("One or more parameter values were invalid: " +
				"Cannot update attribute " + name + ". This attribute is part of the key")
		}
	}
	w.next = func(old *item) (*item, error) { return w.update(old, r.Key, change) }
	return w, change, nil
}

// update applies a change to the item. An absent item starts as its key alone.
func (w *write) update(old *item, key attr.Map, change *expr.Change) (*item, error) {
	attrs := old.document()
	if old == nil {
		attrs = key
	}
	if change != nil {
		var err error
		if attrs, err = change.Apply(attrs, w.params); err != nil {
			return nil, err
		}
	}
	next := &item{pk: w.key.pk, sk: w.key.sk, attrs: attrs, size: attrs.ItemSize()}
	if next.size > maxItem {
		return nil, invalid("Item size to update has exceeded the maximum allowed size")
	}
	if change != nil && attr.Depth(attrs) > attr.MaxDepth {
		return nil, invalid("Nesting Levels have exceeded supported limits")
	}
	return next, nil
}

// prepare checks the parameters that all writes share.
func (s *Service) prepare(r *conditional, change *expr.Change) (*write, error) {
	if err := r.ReturnConsumedCapacity.valid(); err != nil {
		return nil, err
	}
	w := &write{params: r.params()}
	var err error
	if w.condition, err = s.optionalPredicate(expr.Condition, r.ConditionExpression); err != nil {
		return nil, err
	}
	var expressions []expr.Expression
	if change != nil {
		expressions = append(expressions, change)
	}
	if w.condition != nil {
		expressions = append(expressions, w.condition)
	}
	if err := w.params.Check(expressions...); err != nil {
		return nil, err
	}
	switch r.ReturnValuesOnConditionCheckFailure {
	case "", "NONE":
	case "ALL_OLD":
		w.showOld = true
	default:
		return nil, invalid("ReturnValuesOnConditionCheckFailure set to invalid value")
	}
	w.table, err = s.table(r.TableName)
	return w, err
}
