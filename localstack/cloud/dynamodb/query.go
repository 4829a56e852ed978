package dynamodb

import (
	"context"
	"hash/fnv"
	"strconv"

	"hark/localstack/cloud/dynamodb/attr"
	"hark/localstack/cloud/dynamodb/expr"
	"hark/localstack/cloud/meter"
)

// maxPage is the size in bytes at which a page of Query or Scan ends, counted before the filter.
const maxPage = 1 << 20

// pageRequest holds the parameters that Query and Scan share.
type pageRequest struct {
	TableName              string
	ConsistentRead         bool
	Limit                  *int
	ExclusiveStartKey      attr.Map
	FilterExpression       *string
	ProjectionExpression   *string
	Select                 string
	ReturnConsumedCapacity detail
	placeholders
	legacy
}

type queryRequest struct {
	pageRequest
	KeyConditionExpression *string
	ScanIndexForward       *bool
}

type scanRequest struct {
	pageRequest
	Segment, TotalSegments *int
}

func (s *Service) query(ctx context.Context, r *queryRequest) ([]byte, error) {
	if err := s.allow(ctx, r.TableName, "Query"); err != nil {
		return nil, err
	}
	if r.KeyConditionExpression == nil {
		return nil, invalid(
			"Either the KeyConditions or KeyConditionExpression parameter must be " +
				"specified in the request.",
		)
	}
	condition, err := s.cache.KeyRange(*r.KeyConditionExpression)
	if err != nil {
		return nil, err
	}
	p, err := s.page(&r.pageRequest, condition)
	if err != nil {
		return nil, err
	}
	bounds, err := condition.Bind(r.params(), p.table.partition, p.table.sort)
	if err != nil {
		return nil, err
	}
	if p.filter != nil {
		keys := []string{p.table.partition.Name, p.table.sort.Name}
		if name := p.filter.Mentions(r.params(), keys...); name != "" {
			return nil, invalid(
				"Filter Expression can only contain non-primary key attributes: Primary " +
					"key attribute: " + name,
			)
		}
	}
	p.span = spanOf(bounds)
	p.backward = r.ScanIndexForward != nil && !*r.ScanIndexForward
	if p.after != nil && (less(p.after, p.span.low) || less(p.span.high, p.after)) {
		return nil, invalid(
			"The provided starting key is outside query boundaries based on provided conditions",
		)
	}
	return p.run(by(ctx, "Query"))
}

func (s *Service) scan(ctx context.Context, r *scanRequest) ([]byte, error) {
	if err := s.allow(ctx, r.TableName, "Scan"); err != nil {
		return nil, err
	}
	p, err := s.page(&r.pageRequest)
	if err != nil {
		return nil, err
	}
	switch {
	case (r.Segment == nil) != (r.TotalSegments == nil):
		return nil, invalid("The Segment and TotalSegments parameters must be given together")
	case r.Segment == nil:
	case *r.TotalSegments < 1 || *r.TotalSegments > 1_000_000 || *r.Segment < 0 ||
		*r.Segment >= *r.TotalSegments:
		return nil, invalid("The Segment parameter is zero-based and must be less than parameter " +
			"TotalSegments: Segment: " + strconv.Itoa(*r.Segment) +
			" is not less than TotalSegments: " + strconv.Itoa(*r.TotalSegments))
	default:
		p.segment, p.segments = uint32(*r.Segment), uint32(*r.TotalSegments)
	}
	return p.run(by(ctx, "Scan"))
}

// page is a checked Query or Scan. A span without bounds is the whole table.
type page struct {
	request           *pageRequest
	service           *Service
	table             *table
	after             *item // ExclusiveStartKey
	filter            *expr.Predicate
	selection         selection
	span              span
	backward          bool
	segment, segments uint32
}

func (s *Service) page(r *pageRequest, others ...expr.Expression) (*page, error) {
	if err := r.valid(); err != nil {
		return nil, err
	}
	p := &page{request: r, service: s}
	var err error
	if p.filter, err = s.optionalPredicate(expr.Filter, r.FilterExpression); err != nil {
		return nil, err
	}
	if p.filter != nil {
		others = append(others, p.filter)
	}
	if p.selection, err = s.selection(r.ProjectionExpression, r.params(), others...); err != nil {
		return nil, err
	}
	if p.table, err = s.table(r.TableName); err != nil {
		return nil, err
	}
	if r.ExclusiveStartKey != nil {
		if p.after, err = p.table.keyOf(r.ExclusiveStartKey); err != nil {
			return nil, invalid("The provided starting key is invalid: " + err.Error())
		}
	}
	return p, nil
}

func (r *pageRequest) valid() error {
	if r.Limit != nil && *r.Limit < 1 {
		return invalid("1 validation error detected: Value '" + strconv.Itoa(*r.Limit) +
			"' at 'limit' failed to satisfy " +
			"constraint: Member must have value greater than or equal to 1")
	}
	projects := r.ProjectionExpression != nil
	switch r.Select {
	case "":
	case "ALL_ATTRIBUTES":
		if projects {
			return invalid(
				"Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES",
			)
		}
	case "COUNT":
		if projects {
			return invalid(
				"Cannot specify the ProjectionExpression when choosing to get only the Count",
			)
		}
	case "SPECIFIC_ATTRIBUTES":
		if !projects {
			return invalid(
				"Must specify the AttributesToGet or ProjectionExpression when choosing " +
					"to get SPECIFIC_ATTRIBUTES",
			)
		}
	default:
		return invalid("Select " + strconv.Quote(
			r.Select,
		) + " is not part of the local cloud's DynamoDB, which has no indexes")
	}
	return r.ReturnConsumedCapacity.valid()
}

// run reads the page, bills all that was read, and returns the items that pass the filter.
func (p *page) run(by meter.By) ([]byte, error) {
	found, bytes, more := p.collect()
	var kept []attr.Map
	for _, i := range found {
		if p.filter == nil || p.filter.Match(i.attrs, p.request.params()) {
			kept = append(kept, i.attrs)
		}
	}
	cost := p.service.reads(by)
	cost.add(p.table.name, readUnits(bytes, p.request.ConsistentRead))
	var o object
	if p.request.Select != "COUNT" {
		for n, attrs := range kept {
			kept[n] = p.selection.of(attrs)
		}
		o.items("Items", kept)
	}
	o.number("Count", float64(len(kept)))
	o.number("ScannedCount", float64(len(found)))
	if more {
		o.item("LastEvaluatedKey", p.table.keyMap(found[len(found)-1]))
	}
	cost.writeOne(&o, p.request.ReturnConsumedCapacity)
	return o.end(), nil
}

// collect reads items until the page is full or the span ends. more reports that the page is full.
func (p *page) collect() (found []*item, bytes int, more bool) {
	p.table.mu.RLock()
	defer p.table.mu.RUnlock()
	p.walk(func(i *item) bool {
		if p.segments > 0 && segmentOf(i.pk, p.segments) != p.segment {
			return true
		}
		if bytes+i.size > maxPage && len(found) > 0 {
			more = true
			return false
		}
		found = append(found, i)
		bytes += i.size
		more = p.request.Limit != nil && len(found) >= *p.request.Limit
		return !more
	})
	return found, bytes, more
}

// walk calls visit for the items of the span after the start key, in the page's direction, until
// visit returns false.
func (p *page) walk(visit func(*item) bool) {
	start, end := p.span.low, p.span.high
	if p.backward {
		start, end = end, start
	}
	if p.after != nil {
		start = &item{pk: p.after.pk, sk: p.after.sk, side: 1}
		if p.backward {
			start.side = -1
		}
	}
	inside := func(i *item) bool {
		if end != nil && (p.backward && less(i, end) || !p.backward && less(end, i)) {
			return false
		}
		return visit(i)
	}
	switch {
	case p.backward:
		p.table.items.Descend(start, inside)
	case start != nil:
		p.table.items.Ascend(start, inside)
	default:
		p.table.items.Scan(inside)
	}
}

// segmentOf returns the segment of a parallel scan to which a partition belongs.
func segmentOf(pk attr.Value, segments uint32) uint32 {
	h := fnv.New32a()
	_, _ = h.Write(attr.AppendJSON(nil, pk)) // never fails
	return h.Sum32() % segments
}
