import { compareNames } from "../order";
import { jobFiles, loginTo, onMachine } from "./jobs";
import { code } from "./markdown";
import { Secrets } from "./secrets";
import { word } from "./shell";
import type { KitResource, StackState } from "./state";

/** Secret properties by type, with the end of their file's name, and in words. The order of types decides about names. */
const PROPERTIES: Record<string, [property: string, suffix: string, what: string][]> = {
  KeyPair: [["privateKey", "key", "private key"]],
  Repo: [["resticUrl", "url", "address of restic, with the password of the server"]],
  BackupJob: [
    ["privateKey", "key", "private key"],
    ["passphrase", "passphrase", "passphrase"],
    ["repositoryKey", "repository-key", "exported key of the repository"],
    ["sudoPassword", "sudo-password", "password for sudo"],
  ],
  "borgui.Key": [["privateKey", "key", "private key"]],
  "borgui.Repository": [["passphrase", "passphrase", "passphrase"]],
  "borgui.Connection": [["password", "password", "password of the first login"]],
  SshConnection: [
    ["privateKey", "key", "private key"],
    ["passphrase", "key-passphrase", "passphrase of the private key"],
    ["password", "password", "password of the first login"],
    ["bootstrapPrivateKey", "bootstrap-key", "private key of the first login"],
    ["bootstrapPassphrase", "bootstrap-passphrase", "passphrase of that key"],
  ],
};

/** Arguments that hold credentials of hosts within. */
const NESTED = ["connection", "proxyJump"];
const CREDENTIALS: Record<string, string> = {
  privateKey: "private key",
  passphrase: "passphrase of the private key",
  password: "password",
};

/** The secrets of a stack that backups need, and all secrets of its project's configuration. */
export function secretsOf(state: StackState): Secrets {
  const secrets = new Secrets();
  const order = Object.keys(PROPERTIES);
  const resources = state.resources
    .filter(({ type }) => order.includes(type))
    .sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type) || compareNames(a.path, b.path));
  for (const resource of resources) addProperties(secrets, resource);
  for (const resource of resources) addCredentials(secrets, resource);
  for (const job of resources.filter(({ type }) => type === "BackupJob")) addFiles(secrets, job);

  const ownNamespace = `${state.project}:`;
  for (const { key, value, isSecret } of state.config) {
    const [what, place] = [`secret configuration ${code(key)}`, `the stack's configuration: ${code(key)}`];
    const isOwn = isSecret && key.startsWith(ownNamespace);
    const found = { value, file: `config-${key.slice(ownNamespace.length)}`, what, place };
    if (isOwn || secrets.of(value) !== undefined) secrets.add(found);
  }
  for (const [name, value] of Object.entries(state.outputs).sort(([a], [b]) => compareNames(a, b))) {
    for (const { text } of leaves(value)) {
      const place = `the stack's output ${code(name)}`;
      if (secrets.of(text) !== undefined) secrets.add({ value: text, file: "", what: "", place });
    }
  }
  return secrets;
}

function addProperties(secrets: Secrets, { type, name, inputs, values }: KitResource): void {
  for (const [property, suffix, what] of PROPERTIES[type] ?? []) {
    secrets.add({
      // A secret that is only an input stays there.
      value: values[property] ?? inputs[property],
      file: `${name}.${suffix}`,
      what: `${what} of ${type} ${code(name)}`,
      place: `the state: ${code(property)} of ${type} ${code(name)}`,
    });
  }
}

function addCredentials(secrets: Secrets, { type, name, values }: KitResource): void {
  for (const property of NESTED) {
    for (const { path, text } of leaves(values[property], [property])) {
      const last = path.at(-1) ?? "";
      const what = CREDENTIALS[last];
      if (what === undefined) continue;
      secrets.add({
        value: text,
        file: `${name}.${path.join("-")}`,
        what: `${what} in ${code(property)} of ${type} ${code(name)}`,
        place: `the state: ${code(path.join("."))} of ${type} ${code(name)}`,
      });
    }
  }
}

/** The files of a job, which the machine still has where it runs. */
function addFiles(secrets: Secrets, job: KitResource): void {
  const { key, passphrase, wrapper } = jobFiles(job);
  const login = loginTo(job);
  const machine = onMachine(job);
  const read = [
    ["privateKey", code(key), `cat ${key}`],
    ["passphrase", code(passphrase), `cat ${passphrase}`],
    ["repositoryKey", `${code(`${wrapper} key export ::`)}, which prints it,`, `${wrapper} key export ::`],
  ] as const;
  for (const [property, file, command] of read) {
    const secret = secrets.of(job.values[property]);
    if (secret === undefined) continue;
    secret.places.push(`${file} on ${machine}`);
    secret.commands.push(`${login}${command} > recovery/secrets/${word(secret.file)}`);
  }
}

function leaves(value: unknown, path: string[] = []): { path: string[]; text: string }[] {
  if (typeof value === "string") return [{ path, text: value }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) => leaves(each, [...path, name]));
}
