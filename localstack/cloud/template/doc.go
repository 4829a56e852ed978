// Package template reads a synthesized CloudFormation template and resolves it: it gives every
// resource the name that AWS would give it, and replaces Ref, Fn::GetAtt and the other intrinsic
// functions by values. The local cloud creates its resources from the result.
//
// Start at template.go (Parse) and stack.go (Resolve). resolver.go walks the values, intrinsics.go
// and conditions.go compute the functions, identity.go names the resources.
//
// It knows the parts of the language that the CDK emits for this kind of stack. Anything else is an
// error that names the resource and the place in it, since a silent guess would turn up much later
// as a strange bug of the stack. The package creates nothing and knows nothing of the local cloud's
// services, only how AWS names resources.
package template
