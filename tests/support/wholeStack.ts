import { strict as assert } from "node:assert";
import type { Emulator } from "../../emulator";
import * as borgbase from "../../sdk";
import type { TestAccount, TestHost } from "../provider/ssh/support/accounts";
import type { Sshd } from "../provider/ssh/support/sshd";
import { Console } from "./account";
import { authorizedKeys, byPassword } from "./sshStack";
import { type Run, TestStack } from "./stack";

/** A stack of every resource: a pair, registered and on a host, and a repository for it beside one of restic's. */
export class WholeStack {
  /** What the program declares; may be exchanged between commands. */
  plan = { rotation: "1", alertDays: 1 };

  private constructor(
    readonly stack: TestStack,
    private readonly box: TestAccount,
  ) {}

  static async create(host: TestHost, sshd: Sshd, settings: { endpoint: string; token: string }): Promise<WholeStack> {
    const box = host.account();
    const program = async () => {
      const { rotation, alertDays } = made.plan;
      const pair = new borgbase.KeyPair("web", { keepers: { rotation } });
      const key = new borgbase.SshKey("web", { publicKey: pair.publicKey });
      new borgbase.Repo("web", { region: "eu", fullAccessKeys: [key.id], alertDays });
      new borgbase.Repo("photos", { region: "eu", format: "restic" });
      const { publicKey, privateKey } = pair;
      new borgbase.SshConnection("box", { ...byPassword(sshd, box), publicKey, privateKey });
    };
    const config = { "borgbase:endpoint": settings.endpoint, "borgbase:token": settings.token };
    const made: WholeStack = new WholeStack(await TestStack.create(program, {}, config), box);
    return made;
  }

  /** Runs `up`, which must succeed, and checks that the stack is as declared and needs no further change. */
  async assertRecovered(emulator: Emulator): Promise<void> {
    const run = await this.stack.up();
    assert.ok(run.ok, run.output);
    await this.assertAsDeclared(emulator);
    const preview = await this.stack.preview({ refresh: true });
    assert.ok(preview.ok, preview.output);
    assert.deepEqual(
      preview.steps.filter(({ op }) => op !== "refresh"),
      [],
    );
  }

  /** Checks that account, host and state contain every declared object once. */
  async assertAsDeclared(emulator: Emulator): Promise<void> {
    const console = new Console(emulator);
    const [keys, repos] = [await console.keys(), await console.repos()];
    const [key] = keys;
    assert.deepEqual(keys.map(({ name }) => name).concat(repos.map(({ name }) => name).sort()), [
      "web",
      "photos",
      "web",
    ]);
    const web = repos.find(({ name }) => name === "web");
    assert.deepEqual([web?.alertDays, web?.fullAccessKeys], [this.plan.alertDays, [key?.id]]);
    assert.equal(authorizedKeys(this.box), `${key?.keyData}\n`);
    const { resources } = (await this.stack.state()).deployment;
    const ids = resources.filter(({ type }) => /:(SshKey|Repo)$/.test(type)).map(({ id }) => id);
    assert.deepEqual(ids.sort(), [...keys, ...repos].map(({ id }) => id).sort());
  }

  /** Runs `destroy`, which must succeed, and checks that account and host are empty. */
  async assertDestroyed(emulator: Emulator): Promise<void> {
    const run = await this.stack.destroy();
    assert.ok(run.ok, run.output);
    const console = new Console(emulator);
    assert.deepEqual([await console.keys(), await console.repos(), authorizedKeys(this.box)], [[], [], ""]);
  }

  /** What a person does whose terminal died. */
  recover = (): Promise<void> => this.stack.recover();
  up = (): Promise<Run> => this.stack.up();
  refresh = (): Promise<Run> => this.stack.refresh();
  destroy = (): Promise<Run> => this.stack.destroy();

  close(): Promise<void> {
    return this.stack.close();
  }
}
