// Command localstack runs Hark on this machine. It builds the functions, creates the stack of the
// synthesized template in a small AWS, and serves it on two ports: one for clients and publishers,
// one for the AWS services.
//
// The small AWS is package cloud, in the folder below. It knows AWS and nothing of Hark. What the
// command knows of Hark, and what it tells the cloud of it, is in stack.go: names of outputs, the
// metadata that says what a function is built from, the variable that only this machine needs.
// seed.go knows how an app's row looks, publish.go how a publisher signs, and public.go which paths
// go to which host. Nothing here imports the product or the CDK app.
//
// Start in run.go, the life of the program. README.md says what of AWS is faithful and what is not.
//
// "localstack" has three meanings here, and LocalStack, the product, is only one of them:
//
//   - This command and package cloud are our own local cloud.
//   - The script scripts/localstack deploys the same stack to an emulator that others wrote, such
//     as MiniStack or LocalStack. Folder front is our part of that, and folder referee compares
//     such an emulator with our cloud.
//   - LocalStack is one of those emulators. Nothing of it is in this repository.
package main
