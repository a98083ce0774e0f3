import { testLanguage } from "../support/languageTests";

const PROJECT = "name: borgbase-yaml\nruntime: yaml\n";

testLanguage(
  {
    name: "yaml",
    use: (project, code) => project.write("Pulumi.yaml", PROJECT + code),
    argument: (name) => `${name}:`,
  },
  { example: true },
);
