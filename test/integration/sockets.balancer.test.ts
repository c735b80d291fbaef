import { balance } from "../../lib/infra/balancer";
import { freePorts } from "../../lib/infra/ports";
import { balancerContract } from "./balancer.contract";

balancerContract(async (targets) => {
  const [port = 0] = await freePorts(1);
  const balancer = await balance(port, targets);
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      balancer.close();
      balancer.destroy();
    },
  };
});
