// Command localstack runs Hark on this machine. It builds the functions, creates the stack of the
// synthesized template in a small AWS, and serves it on two ports: one for clients and publishers,
// one for the AWS services.
//
// The small AWS is package cloud, in the folder below. It knows AWS and nothing of Hark. What the
// command knows of Hark's template, and the options that it makes of it for the cloud, are in
// stack.go: names of outputs, the metadata that names the folder of a function, and the variable
// that functions need on this machine only. seed.go reads an app's row, publish.go signs a
// publisher's request, and public.go sends each path to its host. Nothing here imports the product
// or the CDK app.
//
// Start in run.go, which runs the program from its start to its end. README.md says where the cloud
// behaves as AWS does and where it does not.
//
// "localstack" has three meanings here, and LocalStack, the product, is only one of them:
//
//   - This command and package cloud are our own local cloud.
//   - The script scripts/localstack deploys the same stack to an emulator that others wrote, such
//     as MiniStack or LocalStack. Folder front puts our CloudFront in front of it, and folder
//     referee compares it with our cloud.
//   - LocalStack is one of those emulators. Nothing of it is in this repository.
package main
