// `ferry` with three controllers compiled in, for the rows and curves of the benchmark that YAML alone can't give. Its
// configuration is ferry.yaml beside this file.

import Ferry

await Ferry(
    controllers: ["account": AccountController(), "failing": FailingController(), "slow": SlowController()]
).run()
