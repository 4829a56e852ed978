// Package iam decides whether a role of the template may make a call: Check compares action and
// resource with the Allow and Deny statements of its policies. Conditions are not evaluated; that
// is left to a real deployment, or an emulator.
package iam
