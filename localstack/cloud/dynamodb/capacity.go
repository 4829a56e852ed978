package dynamodb

import (
	"context"
	"slices"
	"strings"

	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/meter"
)

// The steps of billing ("Capacity unit consumption"): reads by 4 KB, writes by 1 KB, a transaction's items twice.
const (
	readStep      = 4 << 10
	writeStep     = 1 << 10
	transactional = 2
)

// readUnits is what a read of so many bytes costs: at least one step, half if it may be eventual.
func readUnits(bytes int, consistent bool) float64 {
	units := float64(max(1, (bytes+readStep-1)/readStep))
	if !consistent {
		units /= 2
	}
	return units
}

// writeUnits is what it costs to turn one item into another (nil of none): the larger of the two, at least one step.
func writeUnits(before, after *item) float64 {
	return float64(max(1, (max(before.bytes(), after.bytes())+writeStep-1)/writeStep))
}

// consumption is what a request cost, per table. Every unit in it has been added to the meter.
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

// by says who is billed for an operation.
func by(ctx context.Context, operation string) meter.By {
	return meter.By{Function: iam.Caller(ctx), Operation: operation}
}

// add bills units on the table.
func (c *consumption) add(table string, units float64) {
	c.service.opts.Meter.Add(c.unit, c.by, units)
	c.count(table, units)
}

// merge takes over what another request has billed.
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
	return invalid("1 validation error detected: Value '" + string(d) + "' at 'returnConsumedCapacity' failed to " +
		"satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]")
}

// one writes the ConsumedCapacity of a request about one table.
func (c *consumption) one(o *object, d detail) {
	if d == "TOTAL" || d == "INDEXES" {
		o.raw("ConsumedCapacity", c.tables[0].json(d))
	}
}

// all writes the list of the requests that may touch several tables.
func (c *consumption) all(o *object, d detail) {
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
