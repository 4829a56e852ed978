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

// changeTries is how often a change is begun anew because somebody else has changed the same settings meanwhile.
const changeTries = 10

// Change changes settings of an app, and nothing else of it. Nothing is changed if one of the values cannot be, or if the app cannot
// be read for another reason than those settings; it fails with pusher.ErrNoApp if there is no such app. What somebody else changes at
// the same time is kept.
func (a *Apps) Change(ctx context.Context, id string, changes []Setting) error {
	for range changeTries {
		if done, err := a.tryChange(ctx, id, changes); done || err != nil {
			return err
		}
	}
	return fmt.Errorf("change app %s: somebody else changes it all the time; nothing was changed", id)
}

// tryChange reports whether the app was still what it was when it was read.
func (a *Apps) tryChange(ctx context.Context, id string, changes []Setting) (done bool, err error) {
	k := item{"pk": str("app#" + id)}
	out, err := a.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &a.Table, Key: k, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return false, fmt.Errorf("read app %s: %w", id, err)
	}
	if out.Item == nil {
		return false, pusher.ErrNoApp
	}
	next, touched, err := change(out.Item, changes)
	if err != nil || len(touched) == 0 {
		return true, err
	}
	in := replace(out.Item, next, touched)
	in.TableName, in.Key = &a.Table, k
	_, err = a.Client.UpdateItem(ctx, in)
	if _, meanwhile := refused(err); meanwhile {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("change app %s: %w", id, err)
	}
	return true, nil
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

// replace sets the named attributes to what they are in the next item, and removes those that it lacks, if they are still what they were.
func replace(was, next item, names []string) *dynamodb.UpdateItemInput {
	in := &dynamodb.UpdateItemInput{ExpressionAttributeNames: make(map[string]string)}
	var set, remove []string
	still := []string{"attribute_exists(pk)"}
	values := make(item)
	for i, name := range names {
		n, v, w := fmt.Sprintf("#n%d", i), fmt.Sprintf(":v%d", i), fmt.Sprintf(":w%d", i)
		in.ExpressionAttributeNames[n] = name
		if was[name] == nil {
			still = append(still, "attribute_not_exists("+n+")")
		} else {
			values[w] = was[name]
			still = append(still, n+" = "+w)
		}
		if next[name] == nil {
			remove = append(remove, n)
			continue
		}
		values[v] = next[name]
		set = append(set, n+" = "+v)
	}
	if len(values) > 0 { // AWS takes no empty ones
		in.ExpressionAttributeValues = values
	}
	in.ConditionExpression = aws.String(strings.Join(still, " AND "))
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
