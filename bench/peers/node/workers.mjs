// Two processes that share one port, as Node's own cluster does it.

import cluster from "node:cluster";

export function inTwoWorkers(serve) {
  if (!cluster.isPrimary) return serve();
  cluster.fork();
  cluster.fork();
}
