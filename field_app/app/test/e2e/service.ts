/** A real service beside the browser: the server as an operator runs it, and colleagues on the command line. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { APP } from "../browser/machine";

const REPOSITORY = fileURLToPath(new URL("../../../..", import.meta.url));
export const FIELDKEEP = process.env["FIELDKEEP_COMMAND"] ?? join(REPOSITORY, ".venv/bin/fieldkeep");
export const ENVIRONMENT = { ...process.env, FIELDKEEP_PASSPHRASE: "correct horse battery", COLUMNS: "200" };
const OFFICE = "office/perpetrator-administrator";

export type Answer = { readonly [key: string]: unknown };

export class Service {
  readonly folder = mkdtempSync(join(tmpdir(), "service-"));
  /** The built app that the server gives out, from its next start on. */
  app = APP;
  #server: ChildProcess | undefined;
  #port = 0;

  /** A new service with a coordinator, Ruth, who also keeps the fund. */
  static async begin(): Promise<Service> {
    const service = new Service();
    const setup = await service.start();
    service.run("none", "service", "create", "--server", service.address, "--setup", setup, "--name", "Pilot", "--out", join(service.folder, "office"));
    service.enrol("Ruth", "coordinator", "fund_holder");
    return service;
  }

  get address(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts the server, again on the port that it had. Gives back its set-up code, if it has one. */
  async start(): Promise<string> {
    const server = spawn(FIELDKEEP, ["serve", "--data", join(this.folder, "server"), "--port", String(this.#port), "--json"], { env: { ...ENVIRONMENT, FIELDKEEP_APP: this.app }, cwd: this.folder });
    this.#server = server;
    const line = await new Promise<string>((resolve, reject) => {
      let out = "";
      let wrong = "";
      server.stderr.on("data", (data: Buffer) => (wrong += data.toString()));
      server.stdout.on("data", (data: Buffer) => {
        out += data.toString();
        if (out.includes("\n")) resolve(out);
      });
      server.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${wrong}`)));
    });
    const found = JSON.parse(line) as { readonly address: string; readonly setup_code: string | null };
    this.#port = Number(new URL(found.address).port);
    return found.setup_code ?? "";
  }

  /** There is no connection any more, as in a cellar. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined || server.exitCode !== null) return;
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill("SIGKILL");
    await ended;
  }

  async end(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What a command prints with --json. */
  run(profile: string, ...words: readonly string[]): Answer {
    return JSON.parse(this.#ran(profile, undefined, words)) as Answer;
  }

  enrol(name: string, ...roles: readonly string[]): void {
    this.take(name.toLowerCase(), this.invite(name, ...roles));
  }

  /** A profile becomes a device with a code, of whichever side. */
  take(profile: string, code: string): void {
    this.#ran(profile, code, ["device", "enrol", "-", "--label", `${profile.charAt(0).toUpperCase()}${profile.slice(1)}'s laptop`]);
  }

  /** An invitation's code. */
  invite(name: string, ...roles: readonly string[]): string {
    const code = this.run(OFFICE, "invite", "--name", name, ...roles.flatMap((role) => ["--role", role]))["code"];
    if (typeof code !== "string") throw new Error("an invitation without a code");
    return code;
  }

  /** A case with Ruth and Sam in it, about Jack, and money that Sam's phone may spend. Gives back the case's id. */
  aCase(): string {
    this.run("ruth", "sync");
    const file = String(this.run("ruth", "file", "create", "case", "--member", "Sam=navigator")["file"]);
    this.run("ruth", "record", "add", "person", "--file", file, "--set", "known_as=Jack Brown");
    this.run("ruth", "file", "create", "fund", "--member", "Sam=navigator");
    this.run("ruth", "fund", "allot", "100", "--funder", "council", "--period", "2026-27");
    this.run("ruth", "fund", "allot", "60", "--to", "Sam");
    this.run("ruth", "sync");
    return file;
  }

  stateHash(profile: string, file: string): string {
    const rows = this.run(profile, "file", "list", "--hash")["files"] as readonly { readonly file: string; readonly state_hash: string }[];
    return rows.find((row) => row.file === file)?.state_hash ?? "";
  }

  #ran(profile: string, stdin: string | undefined, words: readonly string[]): string {
    const ran = spawnSync(FIELDKEEP, ["--profile", join(this.folder, profile), ...words, "--json"], { env: ENVIRONMENT, cwd: this.folder, input: stdin ?? "", encoding: "utf8" });
    if (ran.status !== 0) throw new Error(`${words.join(" ")}: ${ran.stdout}${ran.stderr}`);
    return ran.stdout;
  }
}
