import { testLanguage } from "../support/languageTests";

testLanguage(
  {
    name: "go",
    async install(project) {
      await project.run("pulumi", "package", "gen-sdk", "borgbase", "--language", "go", "--out", "sdks");
      await project.run("go", "build");
    },
    use: (project, code) => project.write("main.go", code),
    argument: (name) => `${name.replace(/^./, (letter) => letter.toUpperCase())}: +`,
  },
  { example: true },
);
