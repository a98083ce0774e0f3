import { mkdirSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { testLanguage } from "../support/languageTests";
import { ROOT } from "../support/project";

// The other tests run programs in TypeScript: here it is the code of an import, for the classes of this package.
testLanguage(
  {
    name: "nodejs",
    async install(project) {
      project.write("Pulumi.yaml", "name: imported\nruntime: nodejs\n");
      project.write("package.json", JSON.stringify({ name: "imported", private: true, main: "index.ts" }));
      const modules = join(project.folder, "node_modules");
      mkdirSync(join(modules, "@pulumi"), { recursive: true });
      const sdk = createRequire(join(ROOT, "package.json")).resolve("@pulumi/pulumi/package.json");
      symlinkSync(dirname(sdk), join(modules, "@pulumi", "pulumi"));
      symlinkSync(ROOT, join(modules, "pulumi-borgbase"));
    },
    use: (project, code) => project.write("index.ts", code),
    argument: (name) => `${name}:`,
  },
  { example: false },
);
