// Two processes that share a port with Node's cluster module.

import cluster from "node:cluster";

export function inTwoWorkers(serve) {
  if (!cluster.isPrimary) return serve();
  cluster.fork();
  cluster.fork();
}
