import { testLanguage } from "../support/languageTests";

testLanguage(
  {
    name: "python",
    async install(project) {
      await project.run("pulumi", "package", "gen-sdk", "borgbase", "--language", "python", "--out", "sdks");
      await project.run("python3", "-m", "venv", "venv");
      // As the environment's activation would; the older host knows no other way to it.
      project.addToPath("venv/bin");
      await project.run("pip", "install", "-r", "requirements.txt");
    },
    use: (project, code) => project.write("__main__.py", code),
    argument: (name) => `${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}=`,
  },
  { example: true },
);
