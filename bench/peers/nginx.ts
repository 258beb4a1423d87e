/** nginx as a file server: 2 workers, sendfile, no access log. */
import { freePort, startDaemon } from "../daemon.ts";
import { firstLine } from "../process.ts";
import type { Peer, ServeOptions } from "./peer.ts";

export const nginx: Peer = {
  name: "nginx",
  faithful: false,
  servesFiles: true,
  takesPuts: true,
  jsonListing: {},
  version: async () => {
    const said = await firstLine("nginx", ["-v"]);
    return said && said.replace(/^.*nginx\//, "");
  },
  serve: (dir, options) => serve(dir, options),
};

/** Where Debian installs it. */
const DAV_EXT = "/usr/lib/nginx/modules/ngx_http_dav_ext_module.so";

/** nginx with the module that knows PROPFIND. */
export const nginxDavExt: Peer = {
  name: "nginx dav-ext",
  faithful: false,
  propfind: true,
  version: async () => await Deno.stat(DAV_EXT).then(() => nginx.version(), () => null),
  serve: (dir, options) => serve(dir, options, { module: DAV_EXT, server: "dav_ext_methods PROPFIND;" }),
};

function serve(
  dir: string,
  { scratch, writable, htmlListing }: ServeOptions,
  more?: { module: string; server: string },
) {
  const port = freePort();
  const config = `${scratch}/nginx.conf`;
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  Deno.writeTextFileSync(
    config,
    `${more === undefined ? "" : `load_module ${more.module};`}
daemon off;
worker_processes 2;
${Deno.uid() === 0 ? "user root;" : ""}
pid ${scratch}/nginx.pid;
error_log stderr error;
events { worker_connections 16384; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  client_max_body_size 0;
  autoindex on;
  autoindex_format ${htmlListing ? "html" : "json"};
  default_type application/octet-stream;
  ${temporary.map((name) => `${name}_temp_path ${scratch}/nginx-${name};`).join("\n  ")}
  server {
    listen 127.0.0.1:${port};
    root "${dir}";
    ${more?.server ?? ""}
    ${writable ? `client_body_temp_path "${dir}/.nginx-temp"; dav_methods PUT; create_full_put_path on;` : ""}
  }
}
`,
  );
  const args = ["-p", scratch, "-c", config, "-e", "stderr"];
  return startDaemon({ path: "nginx", args }, `http://127.0.0.1:${port}/`);
}
