import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { readEnvironment } from "../../lib/environment";
import { serviceNames } from "../../lib/hosting";
import { withConfigKeys } from "./secrets";
import { use, withTools } from "./tools";

type Labels = Record<string, string>;
interface Container {
  name: string;
  image: string;
  env?: { name: string; valueFrom?: { fieldRef?: { fieldPath: string } } }[];
  envFrom?: ({ configMapRef: { name: string } } | { secretRef: { name: string } })[];
  ports?: { name: string; containerPort: number }[];
  startupProbe?: object;
  livenessProbe?: { httpGet: { path: string } };
  readinessProbe?: { httpGet: { path: string } };
  resources?: object;
  securityContext?: object;
}
interface Manifest {
  kind: string;
  metadata: { name: string; labels?: Labels };
  data?: Record<string, string>;
  spec: {
    selector?: { matchLabels?: Labels } & Labels;
    podSelector?: { matchLabels?: Labels };
    policyTypes?: string[];
    ingress?: object[];
    egress?: object[];
    scaleTargetRef?: { name: string };
    template?: {
      metadata: { labels: Labels };
      spec: {
        containers: Container[];
        securityContext: object;
        terminationGracePeriodSeconds: number;
        serviceAccountName: string;
      };
    };
  };
}

const SECRETS: Record<string, Record<string, string>> = {
  "shop-servers": {
    NATS_URL: "tls://shop:password@nats:4222",
    MONGO_URL: "mongodb://mongo/shop",
    REDIS_URL: "redis://redis:6379",
  },
  "shop-auth": { JWT_KEY_SECRET: "x".repeat(32) },
  "shop-payment": { SANDBOX_SECRET_KEY: "x", TOSS_SECRET_KEY: "x" },
};
/** By service, beside the servers' addresses. */
const SECRETS_OF: Record<string, string[]> = {
  auth: ["shop-auth"],
  config: ["shop-config"],
  notification: ["shop-notification"],
  payment: ["shop-config", "shop-payment"],
};

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function written(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "shop-k8s-"));
  folders.push(folder);
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const validate = (text: string) =>
  use("kubernetes-validate", ["--strict", "--quiet", "--no-warn", written("manifests.yaml", text)]);
it("gives the keys of secret settings to config and to whoever declares some", () => {
  expect(Object.keys(SECRETS_OF).filter((name) => SECRETS_OF[name]?.includes("shop-config"))).toEqual(withConfigKeys());
});

const isNode = ({ kind, metadata }: Manifest) => kind === "Deployment" && metadata.name.startsWith("shop-");

describe.each(["development", "production"])("deploy/k8s/overlays/%s", (overlay) => {
  withTools(["kustomize"], "as kustomize builds it", () => {
    let text: string;
    let manifests: Manifest[];
    const all = (kind: string) => manifests.filter((one) => one.kind === kind);
    const nodes = () => manifests.filter(isNode);
    const settings = () =>
      manifests.find(({ kind, metadata }) => kind === "ConfigMap" && /^shop-[a-z0-9]+$/.test(metadata.name));

    beforeAll(async () => {
      const { ok, stdout, stderr } = await use("kustomize", [`deploy/k8s/overlays/${overlay}`]);
      if (!ok) throw new Error(stderr);
      text = stdout;
      manifests = parseAllDocuments(text).map((document) => document.toJS() as Manifest);
    });

    it("has a deployment of each service, which hosts that one, with an autoscaler and a disruption budget of its own", () => {
      expect(
        nodes()
          .map(({ metadata }) => metadata.name)
          .sort(),
      ).toEqual(
        serviceNames()
          .map((name) => `shop-${name}`)
          .sort(),
      );
      for (const { metadata, spec } of nodes()) {
        const { name } = metadata;
        const { labels } = spec.template?.metadata ?? { labels: {} };
        expect(labels["app.kubernetes.io/name"]).toBe(name.replace("shop-", ""));
        const [container] = spec.template?.spec.containers ?? [];
        expect(container?.env?.[0]).toMatchObject({
          name: "SERVICES",
          valueFrom: { fieldRef: { fieldPath: "metadata.labels['app.kubernetes.io/name']" } },
        });
        expect(all("HorizontalPodAutoscaler").filter((one) => one.spec.scaleTargetRef?.name === name)).toHaveLength(1);
        const budgets = all("PodDisruptionBudget").filter((one) => one.metadata.name === name);
        expect(budgets.map((one) => one.spec.selector?.matchLabels)).toEqual([spec.selector?.matchLabels]);
        expect(labels).toMatchObject(spec.selector?.matchLabels ?? {});
      }
    });

    it("asks the operations port, and leaves a node more time to end than it needs", () => {
      for (const { spec } of nodes()) {
        const [container] = spec.template?.spec.containers ?? [];
        expect(container).toMatchObject({
          startupProbe: { httpGet: { path: "/health/live", port: "ops" } },
          livenessProbe: { httpGet: { path: "/health/live", port: "ops" } },
          readinessProbe: { httpGet: { path: "/health/ready", port: "ops" } },
        });
        expect(container?.ports).toContainEqual({ name: "ops", containerPort: Number(settings()?.data?.OPS_PORT) });
        expect(spec.template?.spec.terminationGracePeriodSeconds).toBeGreaterThan(10);
      }
    });

    it("gives each node the secrets that it needs, with which it starts, and no other's", () => {
      for (const { metadata, spec } of nodes()) {
        const name = metadata.name.replace("shop-", "");
        const given = spec.template?.spec.containers[0]?.envFrom ?? [];
        const named = given.flatMap((from) => ("secretRef" in from ? from.secretRef : []));
        const names = named.map((secret) => secret.name.replace(/-[a-z0-9]{10}$/, ""));
        expect([name, names.sort()]).toEqual([name, ["shop-servers", ...(SECRETS_OF[name] ?? [])].sort()]);
        const secrets = Object.assign({}, ...names.map((secret) => SECRETS[secret]));
        const environment = { ...settings()?.data, ...secrets, SERVICES: name, NODE_ENV: "production" };
        expect(readEnvironment(environment)).toMatchObject({
          services: [name],
          kafkaBrokers: expect.arrayContaining([expect.any(String)]),
          natsUrl: expect.any(String),
          mongoUrl: expect.any(String),
          redisUrl: expect.any(String),
        });
      }
    });

    it("names only config maps that are there, and holds no secret of production", () => {
      const names = all("ConfigMap").map(({ metadata }) => metadata.name);
      for (const { spec } of nodes())
        for (const from of spec.template?.spec.containers[0]?.envFrom ?? [])
          if ("configMapRef" in from) expect(names).toContain(from.configMapRef.name);
      const made = all("Secret").map(({ metadata }) => metadata.name.replace(/-[a-z0-9]{10}$/, ""));
      expect(made.sort()).toEqual(overlay === "production" ? [] : ["shop-auth", "shop-payment", "shop-servers"]);
    });

    it("fits the restricted profile of pod security, and pins every image", () => {
      for (const { metadata, spec } of manifests.filter(({ spec }) => spec?.template)) {
        const pod = spec.template?.spec;
        expect({ name: metadata.name, ...pod?.securityContext }).toMatchObject({
          runAsNonRoot: true,
          seccompProfile: { type: "RuntimeDefault" },
        });
        for (const { image, securityContext, resources } of pod?.containers ?? []) {
          expect(securityContext).toMatchObject({ allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } });
          expect(resources).toMatchObject({ requests: {}, limits: { memory: expect.any(String) } });
          if (image !== "shop") expect(image).toMatch(/:v?\d+\.\d+\.\d+/);
        }
      }
    });

    it("lets nobody talk to anybody unless a policy says so", () => {
      const [everything] = all("NetworkPolicy").filter(({ metadata }) => metadata.name === "deny-all");
      expect(everything?.spec).toEqual({ podSelector: {}, policyTypes: ["Ingress", "Egress"] });
      // The gateways' port is the balancer's.
      const toApi = all("NetworkPolicy").filter(
        ({ spec }) => spec.podSelector?.matchLabels?.["app.kubernetes.io/name"] === "api",
      );
      expect(toApi.map(({ spec }) => spec.ingress)).toEqual([
        [
          {
            from: [{ podSelector: { matchLabels: { "app.kubernetes.io/name": "balancer" } } }],
            ports: [{ protocol: "TCP", port: 3000 }],
          },
        ],
      ]);
    });

    if (overlay === "development")
      it("runs the servers that Compose runs", () => {
        const { services }: { services: Record<string, { image: string }> } = parse(
          readFileSync("docker-compose.yml", "utf8"),
          { merge: true },
        );
        for (const { metadata, spec } of all("StatefulSet"))
          expect(spec.template?.spec.containers[0]?.image).toBe(services[metadata.name]?.image);
        expect(
          all("StatefulSet")
            .map(({ metadata }) => metadata.name)
            .sort(),
        ).toEqual(["kafka", "mongo", "nats", "redis"]);
      });

    withTools(["kubernetes-validate"], "against Kubernetes' schemas", () => {
      it("is what Kubernetes accepts", async () => {
        expect(await validate(text)).toMatchObject({ ok: true });
      });

      it("is refused with a mistake in it, so that this test can fail", async () => {
        const { ok, stdout, stderr } = await validate(text.replace("failureThreshold:", "failureTreshold:"));
        expect({ ok, said: stdout + stderr }).toEqual({ ok: false, said: expect.stringContaining("failureTreshold") });
      });
    });
  });
});
