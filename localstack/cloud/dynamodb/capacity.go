package dynamodb

import (
	"context"
	"slices"
	"strings"

	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/meter"
)

// The units of billing ("Capacity unit consumption"): reads count in steps of 4 KB, writes in steps
// of 1 KB, and the items of a transaction count twice.
const (
	readStep      = 4 << 10
	writeStep     = 1 << 10
	transactional = 2
)

// readUnits returns what reading so many bytes costs: at least one step, and half if the read may
// be eventually consistent.
func readUnits(bytes int, consistent bool) float64 {
	units := float64(max(1, (bytes+readStep-1)/readStep))
	if !consistent {
		units /= 2
	}
	return units
}

// writeUnits returns what replacing one item by another costs, either of which may be nil. The
// larger counts, with at least one step.
func writeUnits(before, after *item) float64 {
	return float64(max(1, (max(before.bytes(), after.bytes())+writeStep-1)/writeStep))
}

// consumption is what a request cost, per table. All of it has been added to the meter.
type consumption struct {
	service *Service
	unit    meter.Unit
	by      meter.By
	tables  []tableUnits
}

type tableUnits struct {
	name  string
	units float64
}

func (s *Service) reads(by meter.By) *consumption {
	return &consumption{service: s, unit: meter.ReadUnits, by: by}
}

func (s *Service) writes(by meter.By) *consumption {
	return &consumption{service: s, unit: meter.WriteUnits, by: by}
}

// by returns the function and the operation that the meter bills.
func by(ctx context.Context, operation string) meter.By {
	return meter.By{Function: iam.Caller(ctx), Operation: operation}
}

// add bills units of a table.
func (c *consumption) add(table string, units float64) {
	c.service.opts.Meter.Add(c.unit, c.by, units)
	c.count(table, units)
}

// merge adds the units of d, which have been billed already.
func (c *consumption) merge(d *consumption) {
	for _, t := range d.tables {
		c.count(t.name, t.units)
	}
}

func (c *consumption) count(table string, units float64) {
	i := slices.IndexFunc(c.tables, func(t tableUnits) bool { return t.name == table })
	if i < 0 {
		i = len(c.tables)
		c.tables = append(c.tables, tableUnits{name: table})
	}
	c.tables[i].units += units
}

// detail is the ReturnConsumedCapacity of a request.
type detail string

func (d detail) valid() error {
	switch d {
	case "", "NONE", "TOTAL", "INDEXES":
		return nil
	}
	return invalid("1 validation error detected: Value '" + string(d) +
		"' at 'returnConsumedCapacity' failed to " +
		"satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]")
}

// writeOne writes the ConsumedCapacity of a request to one table.
func (c *consumption) writeOne(o *object, d detail) {
	if d == "TOTAL" || d == "INDEXES" {
		o.raw("ConsumedCapacity", c.tables[0].json(d))
	}
}

// writeList writes the ConsumedCapacity of a request that may involve several tables.
func (c *consumption) writeList(o *object, d detail) {
	if d != "TOTAL" && d != "INDEXES" {
		return
	}
	list := make([]string, len(c.tables))
	for i, t := range c.tables {
		list[i] = string(t.json(d))
	}
	o.raw("ConsumedCapacity", []byte("["+strings.Join(list, ",")+"]"))
}

func (t tableUnits) json(d detail) []byte {
	var o object
	o.text("TableName", t.name)
	o.number("CapacityUnits", t.units)
	if d == "INDEXES" {
		var table object
		table.number("CapacityUnits", t.units)
		o.raw("Table", table.end())
	}
	return o.end()
}
