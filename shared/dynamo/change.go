package dynamo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/shared/pusher"
)

// Setting is one of an app's settings as an operator reads and types it. Its name is that of the attribute: rate_limiting.enabled is
// in the map rate_limiting. An empty value stands for the default.
type Setting struct{ Name, Value string }

// Settings returns all settings, in the order in which they are documented.
func Settings(s pusher.Settings) []Setting {
	var all []Setting
	for _, f := range fields(&s) {
		all = append(all, Setting{f.name, f.text()})
	}
	return all
}

// Change changes settings of an app, and nothing else of it. Nothing is changed if one of the values cannot be, or if the app cannot
// be read for another reason than those settings; it fails with pusher.ErrNoApp if there is no such app.
func (a *Apps) Change(ctx context.Context, id string, changes []Setting) error {
	k := item{"pk": str("app#" + id)}
	out, err := a.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &a.Table, Key: k, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return fmt.Errorf("read app %s: %w", id, err)
	}
	if out.Item == nil {
		return pusher.ErrNoApp
	}
	next, touched, err := change(out.Item, changes)
	if err != nil || len(touched) == 0 {
		return err
	}
	in := replace(next, touched)
	in.TableName, in.Key, in.ConditionExpression = &a.Table, k, aws.String("attribute_exists(pk)")
	if _, err := a.Client.UpdateItem(ctx, in); err != nil {
		return fmt.Errorf("change app %s: %w", id, err)
	}
	return nil
}

// change returns an app's item as it will be after the changes, and which of its attributes they touch. What is being changed need not
// have been readable.
func change(it item, changes []Setting) (next item, touched []string, err error) {
	rest := maps.Clone(it)
	for i, c := range changes {
		if slices.ContainsFunc(changes[:i], func(other Setting) bool { return other.Name == c.Name }) {
			return nil, nil, fmt.Errorf("%s is given twice", c.Name)
		}
		outer, inner, nested := strings.Cut(c.Name, ".")
		if !slices.Contains(touched, outer) {
			touched = append(touched, outer)
		}
		m, ok := rest[outer].(*types.AttributeValueMemberM)
		if !nested || !ok {
			delete(rest, outer)
			continue
		}
		inside := maps.Clone(m.Value)
		delete(inside, inner)
		rest[outer] = &types.AttributeValueMemberM{Value: inside}
	}
	s, err := readSettings(rest)
	if err != nil {
		return nil, nil, wrong(it, err)
	}
	for _, c := range changes {
		if err := set(&s, c); err != nil {
			return nil, nil, err
		}
	}
	return writeSettings(s), touched, nil
}

func set(s *pusher.Settings, c Setting) error {
	all := fields(s)
	i := slices.IndexFunc(all, func(f field) bool { return f.name == c.Name })
	if i < 0 {
		return fmt.Errorf("there is no setting %q", c.Name)
	}
	if c.Value == "" {
		return nil // the default is there already
	}
	if err := all[i].parse(c.Value); err != nil {
		return fmt.Errorf("%s %w", c.Name, err)
	}
	return nil
}

// replace sets the named attributes to what they are in the item, and removes those that it lacks.
func replace(it item, names []string) *dynamodb.UpdateItemInput {
	in := &dynamodb.UpdateItemInput{ExpressionAttributeNames: make(map[string]string)}
	var set, remove []string
	for i, name := range names {
		n, v := fmt.Sprintf("#n%d", i), fmt.Sprintf(":v%d", i)
		in.ExpressionAttributeNames[n] = name
		if it[name] == nil {
			remove = append(remove, n)
			continue
		}
		if in.ExpressionAttributeValues == nil { // AWS takes no empty ones
			in.ExpressionAttributeValues = make(item)
		}
		in.ExpressionAttributeValues[v] = it[name]
		set = append(set, n+" = "+v)
	}
	var clauses []string
	if len(set) > 0 {
		clauses = append(clauses, "SET "+strings.Join(set, ", "))
	}
	if len(remove) > 0 {
		clauses = append(clauses, "REMOVE "+strings.Join(remove, ", "))
	}
	in.UpdateExpression = aws.String(strings.Join(clauses, " "))
	return in
}
