package dynamo

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"hark/shared/pusher"
	"hark/shared/settings"
)

// changeTries is how often a change is tried while other processes change the same settings.
const changeTries = 10

// Change changes settings of an app, all or none. It leaves the app's other attributes alone, even
// if they are changed at the same time. It fails if a value is refused or another setting cannot be
// read, and with pusher.ErrNoApp if there is no such app.
func (a *Apps) Change(ctx context.Context, id string, changes []settings.Setting) error {
	for range changeTries {
		if done, err := a.tryChange(ctx, id, changes); done || err != nil {
			return err
		}
	}
	return fmt.Errorf(
		"change app %s: somebody else changes it all the time; nothing was changed", id)
}

// tryChange reads the app and changes it. It reports false, and has changed nothing, if another
// process changed the same settings in between.
func (a *Apps) tryChange(
	ctx context.Context, id string, changes []settings.Setting,
) (done bool, err error) {
	k := item{"pk": str(appPrefix + id)}
	out, err := a.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &a.Table, Key: k, ConsistentRead: aws.Bool(true),
	})
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
	if _, meanwhile := conditionFailed(err); meanwhile {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("change app %s: %w", id, err)
	}
	return true, nil
}

// change returns an app's item as it will be after the changes, and the names of the attributes
// that they touch. The old values of the settings that change need not be readable.
func change(it item, changes []settings.Setting) (next item, touched []string, err error) {
	for _, c := range changes {
		if !slices.Contains(touched, c.Key()) {
			touched = append(touched, c.Key())
		}
	}
	s, err := settings.Decode(settings.Without(fromItem(it), changes...))
	if err != nil {
		return nil, nil, wrong(it, err)
	}
	if err := settings.Set(&s, changes...); err != nil {
		return nil, nil, err
	}
	return toItem(settings.Encode(s)), touched, nil
}

// replace returns an update that sets the named attributes to their values in next, and removes
// those that next lacks, on the condition that all of them still are as in was.
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
	if len(values) > 0 { // AWS refuses an empty map
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
