package template

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Env is where a stack is created: what the pseudo parameters AWS::StackName, AWS::Region and their
// like answer. The partition is always aws.
type Env struct {
	StackName string
	Region    string
	Account   string
	StackID   string // AWS::StackId, an ARN

	// IDs are the physical ids, by logical id, of resources that another cloud has already made.
	// Ref gives them, and attributes that hold a name hold theirs; a host name that AWS draws by
	// itself stays made up.
	IDs map[string]string
}

// Stack is a template with every value known.
type Stack struct {
	Resources []Resource // those whose condition holds, sorted by logical id
	Outputs   map[string]string
}

// Resource is one resource of the stack.
type Resource struct {
	LogicalID string
	Type      string // such as AWS::SQS::Queue
	// its properties as the template has them, intrinsic functions answered
	Properties json.RawMessage
	Metadata   map[string]any // as the template has it
	// what Ref gives: its physical id, which for a queue is its URL and for a URL its function's
	// ARN
	ID         string
	Attributes map[string]string // what Fn::GetAtt gives
}

// Decode unmarshals the resource's properties into v. The error names the resource, and the
// property if v has no field for it: left out here, it would be found missing on AWS. What is to
// have no effect has a field all the same, of raw JSON.
func (r Resource) Decode(v any) error { return r.named(Strict(r.Properties, v)) }

// Peek unmarshals those of the resource's properties that v has fields for. Whoever makes the
// resource decodes them all.
func (r Resource) Peek(v any) error { return r.named(json.Unmarshal(r.Properties, v)) }

func (r Resource) named(err error) error {
	if err != nil {
		return fmt.Errorf(
			"properties of %s (%s) cannot be read, or are not supported by the local cloud: %w",
			r.LogicalID, r.Type, err,
		)
	}
	return nil
}

// Strict unmarshals JSON into v, and refuses a field of an object that v has not by its name. A
// type with an UnmarshalJSON of its own has to call it again, since decoders do not tell it that
// they are strict.
func Strict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}

// OfType returns the stack's resources of a CloudFormation type, sorted by logical id.
func (s *Stack) OfType(cfnType string) []Resource {
	var found []Resource
	for _, r := range s.Resources {
		if r.Type == cfnType {
			found = append(found, r)
		}
	}
	return found
}

// Resolve names the resources as AWS would name them in that place, and answers the intrinsic
// functions of their properties and of the outputs. Names are the same on every run: the name that
// the template gives, else {stack}-{logical id}; ids that AWS makes up (of APIs, distributions,
// function URLs ...) have AWS's form and are made from the stack's name and the logical id.
func (t *Template) Resolve(env Env) (*Stack, error) {
	r := newResolver(t.doc, env)
	stack := &Stack{Outputs: make(map[string]string)}
	for _, id := range sortedKeys(t.doc.Resources) {
		exists, err := r.condition(t.doc.Resources[id].Condition)
		if err != nil {
			return nil, fmt.Errorf("resource %s: %w", id, err)
		}
		if !exists {
			continue
		}
		res, err := r.resource(id)
		if err != nil {
			return nil, fmt.Errorf("resource %s: %w", id, err)
		}
		stack.Resources = append(stack.Resources, res)
	}
	for _, name := range sortedKeys(t.doc.Outputs) {
		out := t.doc.Outputs[name]
		exists, err := r.condition(out.Condition)
		if err != nil {
			return nil, fmt.Errorf("output %s: %w", name, err)
		}
		if !exists {
			continue
		}
		if stack.Outputs[name], err = r.text(out.Value, "Value"); err != nil {
			return nil, fmt.Errorf("output %s: %w", name, err)
		}
	}
	return stack, nil
}

// resource resolves one resource whose condition holds.
func (r *resolver) resource(logicalID string) (Resource, error) {
	decl := r.doc.Resources[logicalID]
	id, err := r.identity(logicalID)
	if err != nil {
		return Resource{}, err
	}
	properties, err := r.fields(decl.Properties, "Properties")
	if err != nil {
		return Resource{}, err
	}
	data, err := json.Marshal(properties)
	if err != nil {
		return Resource{}, fmt.Errorf("encode properties: %w", err)
	}
	return Resource{
		LogicalID: logicalID, Type: decl.Type, Properties: data, Metadata: decl.Metadata,
		ID: id.ref, Attributes: id.attributes,
	}, nil
}
