// Package template reads a synthesized CloudFormation template and answers its intrinsic functions,
// so that the local cloud can create from it what CloudFormation would create. Parse reads the
// JSON, Resolve names every resource and puts values in place of Ref, Fn::GetAtt and their like.
//
// It knows the parts of the language that the CDK emits for this kind of stack. Whatever else a
// template holds is an error that names the resource and the place in it: a silent guess would show
// up much later as a strange bug of the stack. It creates nothing and does not know which services
// exist; it only knows how AWS names what they make.
package template
