import { strict as assert } from "node:assert";
import { program } from "./support/program";

describe("Stack frames of a resource", () => {
  it("Stack frames show the user's line when a transformation throws, at any depth, as plain Pulumi does", () => {
    const { stack } = program(`
      function thrower() { throw new Error("mine"); }
      const inner = { transformations: [() => thrower()] };
      try { new borgbase.Repo("web", { region: "eu" }, inner); } catch (error) { answer({ stack: error.stack }); }`);
    const [head, ...lines] = String(stack).split("\n");
    assert.equal(head, "Error: mine");
    assert.match(lines[0] ?? "", /at thrower \(.*program\.js:\d+:\d+\)/);
    assert.match(lines[1] ?? "", /program\.js/);
    assert.match(String(stack), /new Resource \(/);
  });

  it("Stack frames show the user's line when a parent's transformation throws in the helper of a library", () => {
    const { stack } = program(`
      const parent = new pulumi.ComponentResource("a:b:C", "parent", {}, { transformations: [parse] });
      function parse({ type }) { if (type !== "a:b:C") JSON.parse("{"); }
      try { new borgbase.KeyPair("web", {}, { parent }); } catch (error) { answer({ stack: error.stack }); }`);
    assert.match(String(stack), /JSON\.parse.*\n.*program\.js/);
  });

  it("Stack frames show the user's line when the SDK refuses what comes after the transformations", () => {
    const { stack } = program(`
      const bad = { stateMigrations: [() => {}] };
      try { new borgbase.KeyPair("web", {}, bad); } catch (error) { answer({ stack: error.stack }); }`);
    assert.match(String(stack), /^Error: .*state migrations.*\n/);
    assert.match(String(stack), /program\.js/);
  });

  it("Stack frames leave Error as it was: in transformations, afterwards, and after a failure", () => {
    const { states } = program(`
      Error.prepareStackTrace = function mine(error, frames) { return error + "\\n" + frames.map((each) => "    at " + each).join("\\n"); };
      Error.stackTraceLimit = 7;
      const states = [];
      const look = () => { states.push([Error.prepareStackTrace?.name, Error.stackTraceLimit]); };
      const parent = new pulumi.ComponentResource("a:b:C", "parent", {}, { transformations: [look] });
      new borgbase.Repo("web", { region: "eu" }, { parent, transformations: [look] });
      look();
      try { new borgbase.Repo("bad", { region: "eu" }, { transformations: [() => { throw new Error(); }] }); } catch {}
      try { new borgbase.Repo("bad", { region: "eu" }, { stateMigrations: [() => {}] }); } catch {}
      look();
      answer({ states });`);
    const same = ["mine", 7];
    assert.deepEqual(new Set((states as unknown[]).map(String)), new Set([String(same)]));
    assert.ok((states as unknown[]).length >= 4);
  });

  it("Stack frames name the program's line to the engine, never the SDK's, also from functions and subclasses", () => {
    const { positions, traces } = program(`
      class Mine extends borgbase.KeyPair {}
      const make = () => new borgbase.Repo("made", { region: "eu" });
      const positions = {}, traces = {};
      const monitor = pulumi.runtime.getMonitor();
      const register = monitor.registerResource.bind(monitor);
      monitor.registerResource = (request, done) => {
        positions[request.getName()] = request.getSourceposition()?.getLine();
        traces[request.getName()] = request.getStacktrace()?.getFramesList().map((each) => each.getPc?.()?.getUri?.() ?? "");
        return register(request, done);
      };
      new borgbase.KeyPair("pair"); const here = new Error().stack.match(/program\\.js:(\\d+)/)[1];
      make();
      new Mine("sub");
      setTimeout(() => answer({ positions: { ...positions, here: Number(here) }, traces }), 300);`);
    const { here, pair, made, sub } = positions as Record<string, number>;
    assert.equal(pair, here);
    assert.ok(made !== undefined && here !== undefined && made < here, JSON.stringify(positions));
    // The line of the subclass, as with any provider's resources.
    assert.ok(sub !== undefined && here !== undefined && sub < here);
    for (const uri of ["pair", "made", "sub"].flatMap((name) => (traces as Record<string, string[]>)[name] ?? []))
      assert.doesNotMatch(uri, /node_modules|dist\/sdk/);
  });
});
