package dynamodb

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"hark/localstack/cloud/dynamodb/attr"
	"hark/localstack/cloud/dynamodb/expr"
	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/meter"
)

// Options configures a Service. The zero value works; ARNs then lack the region and the account.
type Options struct {
	Region, Account string
	Meter           *meter.Meter     // gets every read and write unit; nil counts nothing
	Now             func() time.Time // time.Now if nil
	// Faults slow and refuse requests, and kill functions at their writes. None if nil.
	Faults *faults.Set
}

// Service is one account's DynamoDB in one region. It is safe for concurrent use.
type Service struct {
	opts   Options
	cache  expr.Cache
	tokens tokens

	mu     sync.RWMutex
	tables map[string]*table
}

// New returns a service without tables.
func New(opts Options) *Service {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Service{opts: opts, tables: make(map[string]*table)}
}

// Create makes an empty table. It fails if the name is taken, and on what the local cloud does not
// have: secondary indexes, streams, incomplete key schemas.
func (s *Service) Create(spec TableSpec) error {
	t, err := newTable(spec, s.opts)
	if err != nil {
		return fmt.Errorf("table %q: %w", spec.TableName, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.tables[spec.TableName]; ok {
		return fmt.Errorf("table %q: exists already", spec.TableName)
	}
	s.tables[spec.TableName] = t
	return nil
}

// Put stores one item, given as DynamoDB JSON ({"pk":{"S":"a"}}), without billing or authorization.
// It is for seed data.
func (s *Service) Put(tableName string, itemJSON []byte) error {
	t, err := s.table(tableName)
	if err != nil {
		return err
	}
	var attrs attr.Map
	if err := json.Unmarshal(itemJSON, &attrs); err != nil {
		return fmt.Errorf("item of %q: %w", tableName, err)
	}
	i, err := t.itemOf(attrs)
	if err != nil {
		return fmt.Errorf("item of %q: %w", tableName, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.store(i, i, s.opts.Now())
	return nil
}

// table returns the table, or AWS's ResourceNotFoundException.
func (s *Service) table(name string) (*table, error) {
	if name == "" {
		return nil, invalid(
			"The parameter 'TableName' is required but was not present in the request",
		)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, ok := s.tables[name]
	if !ok {
		return nil, &apiError{
			code:    codeNotFound,
			message: "Requested resource not found: Table: " + name + " not found",
		}
	}
	return t, nil
}

// arn returns the ARN of a table of that name, for policies. The table need not exist.
func (o Options) arn(table string) string {
	return "arn:aws:dynamodb:" + o.Region + ":" + o.Account + ":table/" + table
}
