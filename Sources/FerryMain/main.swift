// The ferry command for those whose types are all declarative. With controllers of your own, write the same in a
// package of yours and register them: Ferry(controllers: ["nation": NationController()]).

import Ferry

await Ferry().run()
