package template

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Env says where a stack is created: the values of the pseudo parameters AWS::StackName,
// AWS::Region and so on. The partition is always aws.
type Env struct {
	StackName string
	Region    string
	Account   string
	StackID   string // AWS::StackId, an ARN

	// IDs are the physical IDs, by logical ID, of resources that another cloud has already created.
	// Ref gives them, and attributes with a name in them are adapted. A host name that AWS
	// generates stays made up.
	IDs map[string]string
}

// Stack is a resolved template.
type Stack struct {
	Resources []Resource // those whose condition holds, sorted by logical ID
	Outputs   map[string]string
}

// Resource is one resource of the stack.
type Resource struct {
	LogicalID string
	Type      string // such as AWS::SQS::Queue
	// the properties, with intrinsic functions resolved
	Properties json.RawMessage
	Metadata   map[string]any // as the template has it
	// the value of Ref: the physical ID. That of a queue is its URL, that of a function URL its
	// function's ARN
	ID         string
	Attributes map[string]string // the values of Fn::GetAtt
}

// Decode unmarshals the resource's properties into v. A property without a field in v is an error
// that names resource and property, since it might be missed only on AWS. A property that may be
// ignored needs a field of raw JSON.
func (r Resource) Decode(v any) error { return r.named(Strict(r.Properties, v)) }

// Peek unmarshals only those properties that v has fields for. The code that creates the resource
// uses Decode.
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

// Strict unmarshals JSON into v, and refuses by name a field that v does not have. A type with an
// UnmarshalJSON of its own must call Strict again: a decoder does not pass its strictness on.
func Strict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}

// OfType returns the stack's resources of a CloudFormation type, sorted by logical ID.
func (s *Stack) OfType(cfnType string) []Resource {
	var found []Resource
	for _, r := range s.Resources {
		if r.Type == cfnType {
			found = append(found, r)
		}
	}
	return found
}

// Resolve names the resources as AWS would, and resolves the intrinsic functions in their
// properties and in the outputs. Names are the same on every run. A resource has the name in its
// properties, or {stack}-{logical ID}. IDs that AWS generates (of APIs, distributions, function
// URLs ...) have AWS's form and are derived from the stack's name and the logical ID.
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
