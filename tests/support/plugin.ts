import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execute, MAIN, ROOT } from "./project";

/** A home of Pulumi's with the plugin, as `pulumi-borgbase plugin install` puts it there. */
export class InstalledPlugin {
  readonly home = mkdtempSync(join(tmpdir(), "borgbase-home-"));

  static async create(): Promise<InstalledPlugin> {
    const plugin = new InstalledPlugin();
    const command = [MAIN, "plugin", "install"];
    const { ok, output } = await execute("node", command, ROOT, plugin.env);
    assert.ok(ok, output);
    return plugin;
  }

  /** For commands of the CLI that use it. Nothing else may be installed on the way. */
  get env(): Record<string, string> {
    return { PULUMI_HOME: this.home, PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true" };
  }

  close(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}
