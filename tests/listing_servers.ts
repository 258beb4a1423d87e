/** Servers of others that list folders, each as its package is: started on a free port, ended with their test. */
import { freePort, startDaemon } from "../bench/daemon.ts";

/** A server of `dir` under test; `await using` ends it. */
export interface ListingServer extends AsyncDisposable {
  name: string;
  /** The URL of the folder, with a slash at its end. */
  url: string;
}

const temporaryPaths = (scratch: string) =>
  ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${scratch}/nginx-${name};`).join("\n  ");

const DAV_EXT = "/usr/lib/nginx/modules/ngx_http_dav_ext_module.so";
const APACHE_MODULES = "/usr/lib/apache2/modules";

/** Whether nginx can be told to answer PROPFIND. */
export function hasNginxDav(): boolean {
  return isFile(DAV_EXT);
}

/**
 * nginx with `dir` as pages at `/html/`, as JSON at `/json/`, over WebDAV alone at `/dav/`, and at `/few/` for three
 * connections at a time, 900 KB/s each.
 */
export async function nginxServer(dir: string, scratch: string): Promise<ListingServer> {
  const port = freePort();
  const dav = hasNginxDav();
  Deno.writeTextFileSync(
    `${scratch}/nginx.conf`,
    `${dav ? `load_module ${DAV_EXT};` : ""}
daemon off;
worker_processes 1;
${Deno.uid() === 0 ? "user root;" : ""}
pid ${scratch}/nginx.pid;
error_log stderr crit;
events { worker_connections 1024; }
http {
  access_log off;
  default_type application/octet-stream;
  keepalive_requests 1000000;
  limit_conn_zone $binary_remote_addr zone=few:1m;
  ${temporaryPaths(scratch)}
  server {
    listen 127.0.0.1:${port};
    location /few/ { alias "${dir}/"; limit_conn few 3; limit_rate 900k; }
    location /html/ { alias "${dir}/"; autoindex on; }
    location /json/ { alias "${dir}/"; autoindex on; autoindex_format json; }
    location /dav/ { alias "${dir}/"; ${dav ? "dav_ext_methods PROPFIND;" : ""} }
  }
}
`,
  );
  const args = ["-p", scratch, "-c", `${scratch}/nginx.conf`, "-e", "stderr"];
  return await started("nginx", port, { path: "nginx", args });
}

/** Caddy with its pages for who wants HTML, and JSON for who asks for it. */
export async function caddyServer(dir: string, scratch: string): Promise<ListingServer> {
  const port = freePort();
  Deno.writeTextFileSync(
    `${scratch}/Caddyfile`,
    `{
  admin off
  auto_https off
  log {
    level ERROR
  }
}
http://127.0.0.1:${port} {
  root * "${dir}"
  file_server browse
}
`,
  );
  const args = ["run", "--adapter", "caddyfile", "--config", `${scratch}/Caddyfile`];
  const env = { HOME: scratch, XDG_DATA_HOME: scratch, XDG_CONFIG_HOME: scratch };
  return await started("caddy", port, { path: "caddy", args, env });
}

/** Apache with `dir` as plain (`/plain/`), fancy (`/fancy/`) and table (`/table/`) listings, and over WebDAV (`/dav/`). */
export async function apacheServer(dir: string, scratch: string): Promise<ListingServer> {
  const port = freePort();
  const modules = ["mpm_event", "authz_core", "alias", "autoindex", "dav", "dav_fs", "dir", "mime", "unixd"]
    .filter((name) => isFile(`${APACHE_MODULES}/mod_${name}.so`));
  const ways: [name: string, options: string][] = [
    ["plain", "-FancyIndexing"],
    ["fancy", "FancyIndexing NameWidth=* SuppressDescription"],
    ["table", "FancyIndexing HTMLTable NameWidth=* VersionSort FoldersFirst"],
  ];
  Deno.writeTextFileSync(
    `${scratch}/apache.conf`,
    `ServerName localhost
ServerRoot ${scratch}
PidFile ${scratch}/apache.pid
Listen 127.0.0.1:${port}
${modules.map((name) => `LoadModule ${name}_module ${APACHE_MODULES}/mod_${name}.so`).join("\n")}
ErrorLog ${scratch}/apache.log
TypesConfig /dev/null
DavLockDB ${scratch}/dav.lock
ServerLimit 1
StartServers 1
ThreadsPerChild 16
MaxRequestWorkers 16
${ways.map(([name]) => `Alias /${name} "${dir}"`).join("\n")}
Alias /dav "${dir}"
IndexIgnore ..
${
      ways.map(([name, options]) =>
        `<Location /${name}>
  Options +Indexes
  IndexOptions ${options} Charset=UTF-8
  Require all granted
</Location>`
      ).join("\n")
    }
<Location /dav>
  Options -Indexes
  Dav On
  Require all granted
</Location>
`,
  );
  const args = ["-X", "-d", scratch, "-f", `${scratch}/apache.conf`];
  return await started("apache2", port, { path: "/usr/sbin/apache2", args });
}

/** What Python brings with it. */
export async function pythonServer(dir: string): Promise<ListingServer> {
  const port = freePort();
  const args = ["-m", "http.server", "--bind", "127.0.0.1", "--directory", dir, String(port)];
  return await started("python3", port, { path: "python3", args });
}

/** rclone, as pages or over WebDAV. */
export async function rcloneServer(how: "http" | "webdav", dir: string): Promise<ListingServer> {
  const port = freePort();
  const args = ["serve", how, "--addr", `127.0.0.1:${port}`, "--config=", "--log-level=ERROR", dir];
  return await started(`rclone ${how}`, port, { path: "rclone", args });
}

async function started(
  name: string,
  port: number,
  command: { path: string; args: string[]; env?: Record<string, string> },
): Promise<ListingServer> {
  const daemon = await startDaemon(command, `http://127.0.0.1:${port}/`);
  return { name, url: daemon.url, [Symbol.asyncDispose]: () => daemon.stop() };
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
