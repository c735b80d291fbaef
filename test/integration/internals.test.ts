import { newId } from "../../lib/ids";
import { startNode, type TestNode } from "./node";

let nodes: TestNode[];
beforeEach(async () => {
  const environment = { NAMESPACE: newId() };
  nodes = [
    await startNode([], environment, { transporter: "Fake" }),
    await startNode([], environment, { transporter: "Fake" }),
  ];
});
afterEach(async () => {
  for (const node of nodes) await node.stop();
});

it("a node tells no other its options, which have the passwords of servers, and does tell how it is", async () => {
  const [asking, asked] = nodes.map(({ broker }) => broker);
  const nodeID = asked?.nodeID;
  await expect(asking?.call("$node.options", {}, { nodeID })).rejects.toMatchObject({ code: 404 });
  await expect(asked?.call("$node.options")).rejects.toMatchObject({ code: 404 });
  await expect(asking?.call("$node.health", {}, { nodeID })).resolves.toHaveProperty("cpu");
  await expect(asking?.call("$node.list", {}, { nodeID })).resolves.toHaveLength(2);
});
