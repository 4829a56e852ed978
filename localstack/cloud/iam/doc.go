// Package iam decides whether a role of the template may do what it asks: action and resource
// patterns of its policies, Allow and Deny. Conditions are not evaluated: they are the business of
// a real deployment or of the referee.
package iam
