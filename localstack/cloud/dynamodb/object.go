package dynamodb

import (
	"strconv"

	"hark/localstack/cloud/dynamodb/attr"
)

// object is a JSON object under construction. Most of an answer is items, which append themselves.
// encoding/json would read each of them again to check and compact it.
type object struct{ b []byte }

// name begins a member.
func (o *object) name(name string) {
	if o.b == nil {
		o.b = make([]byte, 0, 512)
		o.b = append(o.b, '{')
	} else {
		o.b = append(o.b, ',')
	}
	o.b = strconv.AppendQuote(o.b, name) // member names and table names are plain ASCII
	o.b = append(o.b, ':')
}

func (o *object) text(name, v string) {
	o.name(name)
	o.b = strconv.AppendQuote(o.b, v)
}

func (o *object) number(name string, v float64) {
	o.name(name)
	o.b = strconv.AppendFloat(o.b, v, 'f', -1, 64)
}

func (o *object) raw(name string, json []byte) {
	o.name(name)
	o.b = append(o.b, json...)
}

func (o *object) item(name string, m attr.Map) {
	o.name(name)
	o.b = m.AppendJSON(o.b)
}

func (o *object) items(name string, list []attr.Map) {
	o.name(name)
	o.b = append(o.b, '[')
	for i, m := range list {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = m.AppendJSON(o.b)
	}
	o.b = append(o.b, ']')
}

// end closes the object and returns it.
func (o *object) end() []byte {
	if o.b == nil {
		return []byte("{}")
	}
	return append(o.b, '}')
}
