//! The table of what plans, reviews and drift say to people: a function for each sentence, which wants what stands in it and
//! gives it in every language. A sentence that lacks one does not compile, nor does one that leaves out what it was given.
//! The lines that scripts rely on (`Plan: …`, `No changes.`) are no sentences of this table: they never change.

use crate::inventory::Locale;
use crate::said::{Said, Say};

macro_rules! texts {
    ($($name:ident($($given:ident),*): $en:literal, $es:literal;)*) => {$(
        #[allow(clippy::needless_pass_by_value, reason = "names and numbers, called with what is at hand")]
        pub fn $name($($given: impl Say),*) -> Said {
            Said::of(|locale| {
                $(let $given = $given.say(locale);)*
                match locale {
                    Locale::En => format!($en),
                    Locale::Es => format!($es),
                }
            })
        }
    )*};
}

texts! {
    and_more(names, more): "{names} and {more} more", "{names} y {more} más";

    // why something changes
    absent(): "absent", "no está";
    not_wanted(): "not wanted here", "aquí no debe estar";
    differs(one): "{one} differs", "{one} difiere";
    differ(some, last): "{some} and {last} differ", "{some} y {last} difieren";
    owed(reason): "owed since an interrupted run: {reason}", "pendiente desde una ejecución interrumpida: {reason}";
    change(first, more): "{first} and {more} more change", "cambian {first} y {more} más";
    changes(one): "{one} changes", "cambia {one}";
    withheld(reason): "{reason}; withheld, --show-remote shows it", "{reason}; no se muestra, --show-remote lo muestra";

    // what stands in a diff instead of a content
    one_line_withheld(): "1 line; withheld, --show-remote shows it", "1 línea; no se muestra, --show-remote la muestra";
    lines_withheld(count): "{count} lines; withheld, --show-remote shows it", "{count} líneas; no se muestran, --show-remote las muestra";
    binary(size): "binary, {size} bytes", "binario, {size} bytes";
    binary_there(size): "binary, {size} bytes there", "binario, hay {size} bytes";
    withheld_removed(size): "differs ({size} bytes there, removed); withheld, --show-remote shows it",
        "difiere (hay {size} bytes, se quita); no se muestra, --show-remote lo muestra";
    withheld_differs(size, wanted): "differs ({size} bytes there, {wanted} bytes wanted); withheld, --show-remote shows it",
        "difiere (hay {size} bytes, deben ser {wanted}); no se muestra, --show-remote lo muestra";
    not_read(size): "{size} bytes there, which were not read", "hay {size} bytes, que no se leyeron";
    too_large(size): "differs, too large to show ({size} bytes there)", "difiere, demasiado grande para mostrarlo (hay {size} bytes)";
    secrets_removed(): "removed (it held secrets)", "se quita (tenía secretos)";
    secrets_not_ours(): "it is not what Steward wrote there; it holds secrets, so it is not shown",
        "no es lo que Steward escribió; tiene secretos, así que no se muestra";
    secrets_differ(): "differs; it holds secrets, and Steward wrote none there yet to compare with",
        "difiere; tiene secretos, y Steward aún no escribió nada con que comparar";

    // how the backups of a service went
    unsaved(): "has data, and nothing on the host saves it", "tiene datos, y nada en el servidor los guarda";
    backups_unreadable(): "how its backups went cannot be read", "no se pudo leer cómo fueron sus copias de seguridad";
    no_time(): "how old its backups are is not known: the host does not tell the time",
        "no se sabe de cuándo son sus copias de seguridad: el servidor no dice la hora";
    restore_unfinished(): "a restore was interrupted and is not finished", "una restauración se interrumpió y no está terminada";
    never_saved(): "was never saved yet", "aún no tiene ninguna copia de seguridad";
    last_backup_old(age): "its last backup is {age} old", "su última copia de seguridad tiene {age}";
    last_backup_failed(): "its last backup failed", "su última copia de seguridad falló";
    restored_long_ago(age, days): "its backup was last restored {age} ago, and {days} days are allowed",
        "su copia de seguridad se restauró por última vez hace {age}, y se permiten {days} días";
    never_restored(): "its backup was never restored", "su copia de seguridad nunca se restauró";
    minutes(count): "{count} minutes", "{count} minutos";
    hours(count): "{count} hours", "{count} horas";
    days(count): "{count} days", "{count} días";
    look_at(place): "look at {place} there", "mire {place} en el servidor";
    on_the_host(command): "on the host: `{command}`", "en el servidor: `{command}`";

    // what nothing declares any more
    managed_by_other(name, id): "the inventory {name} ({id}) manages it now", "ahora lo gestiona el inventario {name} ({id})";
    was_there_before(): "it was there before Steward managed it, so it stays as it is",
        "estaba antes de que Steward lo gestionara, así que queda como está";
    holds_data(service, id): "it holds data of {service}; `retire: {{ \"{id}\": archive }}` in the inventory moves it away, `destroy` deletes it",
        "guarda datos de {service}; `retire: {{ \"{id}\": archive }}` en el inventario lo aparta, `destroy` lo borra";
    others_may_need(id): "others may need it; `retire: {{ \"{id}\": remove }}` in the inventory removes it",
        "quizá otros lo necesiten; `retire: {{ \"{id}\": remove }}` en el inventario lo quita";
    is_there_now(other): "`{other}` is there now", "ahora está ahí `{other}`";
    data_to_archive(): "its data is moved to the host's archive", "sus datos pasan al archivo del servidor";
    data_destroyed(): "its data is destroyed", "sus datos se destruyen";
    data_stays(): "its data stays until `retire` says `archive` or `destroy`", "sus datos quedan hasta que `retire` diga `archive` o `destroy`";
    forgotten(): "it stays on the host, and is forgotten", "queda en el servidor, y se olvida";
    taken_away(): "taken away if Steward made it", "se quita si lo hizo Steward";
    no_longer_declared(what): "no longer declared; {what}", "ya no se declara; {what}";
    left_adopted(service, at): "no longer in the inventory; adopted for service {service}{at}", "ya no está en el inventario; adoptado para el servicio {service}{at}";
    left_created(service, at): "no longer in the inventory; created by service {service}{at}", "ya no está en el inventario; creado por el servicio {service}{at}";
    left(): "no longer in the inventory; ", "ya no está en el inventario; ";
    at_revision(commit): " at revision {commit}", " en la revisión {commit}";
    to_archive(): "; moved to the host's archive if it is a file or a directory", "; pasa al archivo del servidor si es un archivo o un directorio";
    destroyed(): "; destroyed", "; se destruye";
    copy_kept(): "; changed since Steward wrote it, a copy is kept for ten runs", "; cambió desde que Steward lo escribió, se guarda una copia por diez ejecuciones";
    stays(id, why): "{id} stays: {why}", "{id} se queda: {why}";

    // what to do
    create(id): "create {id}", "crear {id}";
    update(id): "update {id}", "actualizar {id}";
    delete(id): "delete {id}", "borrar {id}";
    run(id): "run {id}", "ejecutar {id}";
    restart(id): "restart {id}", "reiniciar {id}";
    reload(id): "reload {id}", "recargar {id}";
    stop(id): "stop {id}", "detener {id}";

    // risks and where a change comes from
    could_lock_out(): "could lock you out", "podría dejar a todos sin acceso";
    restarts(): "restarts", "se reinicia";
    data_at_risk(): "data at risk", "datos en riesgo";
    this_change(): "this change", "este cambio";
    unapplied(): "merged but not applied", "integrado, pero sin aplicar";
    drift(): "drift", "desvío";
    not_this_change(): "not this change", "no es este cambio";

    // headings of notes
    topic_mistake(): "Mistake", "Error";
    topic_lockout(): "Lock-out", "Sin acceso";
    topic_data(): "Data", "Datos";
    topic_upgrade(): "Upgrade", "Versión nueva";
    topic_deletion(): "Deletion", "Borrado";
    topic_access(): "Access", "Acceso";
    topic_secret(): "Secret", "Secreto";
    topic_port(): "Port", "Puerto";
    topic_restart(): "Restart", "Reinicio";
    topic_unseen(): "Unseen", "No visto";
    topic_host(): "Host", "Servidor";
    topic_stays(): "Stays", "Se queda";
    topic_module(): "Module", "Módulo";
    topic_validate(): "Validate", "Validación";

    // hosts
    unreachable(): "unreachable", "inalcanzable";
    failed(): "failed", "fallido";
    why(word, fact): "{word}: {fact}", "{word}: {fact}";
    cannot_be_read(id, why): "{id} cannot be read: {why}", "no se pudo leer {id}: {why}";
    and_more_of_these(one, more): "{one} (and {more} more)", "{one} (y {more} más)";
    unsupported(id, why): "{id} is unsupported here: {why}", "{id} no es posible aquí: {why}";
    resource_unsupported(): "1 resource is unsupported here", "1 recurso no es posible aquí";
    resources_unsupported(count): "{count} resources are unsupported here", "{count} recursos no son posibles aquí";
    breaks(service, old, version, what): "{service}: from version {old} to {version}: {what}", "{service}: de la versión {old} a la {version}: {what}";
    immutable(service, name, was, now): "{service}: `{name}` is {was} where it was applied, and cannot become {now}",
        "{service}: `{name}` es {was} donde se aplicó, y no puede pasar a {now}";
    help(remedy): "help: {remedy}", "ayuda: {remedy}";
    counts(changes, unchanged): "{changes} to change, {unchanged} unchanged", "{changes} por cambiar, {unchanged} sin cambios";
    interrupted(): "an earlier run was interrupted; `apply` clears what it left", "una ejecución anterior se interrumpió; `apply` limpia lo que dejó";
    at_work(holder): "a run is changing this host right now ({holder})", "una ejecución está cambiando este servidor ahora mismo ({holder})";
    waits(holder): "a change waits to be confirmed ({holder}); the host undoes it unless it is", "un cambio espera su confirmación ({holder}); si no llega, el servidor lo deshace";
    rolled_back(holder, why): "the last change that could lock everybody out was rolled back ({holder}): {why}",
        "el último cambio que podía dejar a todos sin acceso se deshizo ({holder}): {why}";
    more_with_v(more): "… {more} more (-v shows all)", "… {more} más (-v lo muestra todo)";
    more_lines_with_v(more): "… {more} more lines (-v shows all)", "… {more} líneas más (-v lo muestra todo)";
    decided_after(provider): " (decided during apply, after {provider})", " (se decide al aplicar, después de {provider})";
    of_these(counts): "Of these: {counts}.", "De ellos: {counts}.";
    look_at_top(counts): "Look at the top: {counts}.", "Mire arriba: {counts}.";

    // who can get in
    bootstrap_open(detail): "bootstrap login still open: {detail}", "el acceso inicial sigue abierto: {detail}";
    access_unknown(file, detail): "access not known: {file}: {detail}", "acceso desconocido: {file}: {detail}";
    undeclared_access(detail, file): "undeclared access: {detail} ({file})", "acceso sin declarar: {detail} ({file})";
    access_look(): "look at it on the host", "mírelo en el servidor";
    access_password(): "a password", "una contraseña";
    access_keys(): "keys", "llaves";
    access_apply_closes(): "`steward apply` closes it", "`steward apply` la cierra";
    access_declare_root(): "declare root's keys (`user: {{ name: root, authorized_keys: [] }}`) once people log in as themselves",
        "declare las llaves de root (`user: {{ name: root, authorized_keys: [] }}`) cuando cada persona entre con su cuenta";
    access_close_bootstrap(name): "close it (`user: {{ name: {name}, state: absent }}`) once people log in as themselves",
        "ciérrela (`user: {{ name: {name}, state: absent }}`) cuando cada persona entre con su cuenta";
    access_by(name, ways): "{name}, by {ways}", "{name}, con {ways}";
    access_uid_0(name): "account {name} has the number of root, 0", "la cuenta {name} tiene el número de root, 0";
    access_twin_of_root(name): "if nobody knows why, delete its line by `vipw`; `{name}` is root under another name",
        "si nadie sabe por qué, borre su línea con `vipw`; `{name}` es root con otro nombre";
    access_can_log_in(name, uid, ways): "account {name} (uid {uid}) can log in by {ways}", "la cuenta {name} (uid {uid}) puede entrar con {ways}";
    access_apply_removes_key(): "`steward apply` removes it; to keep it, add it to the keys that are declared",
        "`steward apply` la quita; para conservarla, añádala a las llaves declaradas";
    access_declare_key(file): "declare it (`authorized_keys` of a `user`), or delete its line from {file}",
        "declárela (`authorized_keys` de un `user`), o borre su línea de {file}";
    access_of(key, name): "{key} of {name}", "{key} de {name}";
    access_lock_root(): "lock its password (`passwd --lock root`), or declare `user: {{ name: root }}`",
        "bloquee su contraseña (`passwd --lock root`), o declare `user: {{ name: root }}`";
    access_declare_account(name): "declare it in `people` or as a `user`, or close it: `user: {{ name: {name}, state: absent }}`",
        "declárela en `people` o como `user`, o ciérrela: `user: {{ name: {name}, state: absent }}`";
    access_member(account, group): "{account} is in the group {group}", "{account} está en el grupo {group}";
    access_declare_member(account, group): "declare it (`groups` of a `user`), or take it away: `gpasswd --delete {account} {group}`",
        "declárelo (`groups` de un `user`), o quítelo: `gpasswd --delete {account} {group}`";
    access_alias(members): " (that is {members})", " (es decir, {members})";
    access_may_use(who, also, what): "{who}{also} may use {what}", "{who}{also} puede usar {what}";
    access_declare_file(file): "declare the file in a service, or delete the line from {file}",
        "declare el archivo en un servicio, o borre la línea de {file}";
    access_sshd_has(word, value): "sshd has {word} {value}", "sshd tiene {word} {value}";
    access_not_whole(): "that is not whole", "que no está entera";
    access_key(print): "key {print}", "llave {print}";
    access_key_of(print, comment): "key {print} ({comment})", "llave {print} ({comment})";
    reader_accounts(): "the accounts", "las cuentas";
    reader_untold_accounts(): "a reader key is not told who can get in", "a una llave de lectura no se le dice quién puede entrar";
    reader_left(): "what left the inventory", "lo que salió del inventario";
    reader_untold_left(): "a reader key is not told what else Steward manages here: deletions are not shown",
        "a una llave de lectura no se le dice qué más gestiona Steward aquí: no se muestran borrados";
    access_reader_apply(): "`steward apply` makes the file what it should be; to keep it, declare it in `readers` of `chapter`",
        "`steward apply` deja el archivo como debe ser; para conservarlo, declárelo en `readers` de `chapter`";
    access_reader_declare(): "declare its key in `readers` of `chapter`, or take all of it away: `steward host reader HOST --remove`",
        "declare su llave en `readers` de `chapter`, o quítelo todo: `steward host reader HOST --remove`";
    access_reader_install(): "`steward host reader HOST` puts it right, `--remove` takes it away",
        "`steward host reader HOST` lo arregla, `--remove` lo quita";

    // summaries, where people read and no script does
    sum(create, update, delete, run, hosts): "Plan: {create} to create, {update} to update, {delete} to delete, {run} to run on {hosts}.",
        "Plan: {create} por crear, {update} por actualizar, {delete} por borrar, {run} por ejecutar en {hosts}.";
    sum_review(create, update, delete, run, hosts): "Review: {create} to create, {update} to update, {delete} to delete, {run} to run on {hosts}.",
        "Revisión: {create} por crear, {update} por actualizar, {delete} por borrar, {run} por ejecutar en {hosts}.";
    one_host(): "1 host", "1 servidor";
    hosts(count): "{count} hosts", "{count} servidores";
    no_changes(): "No changes.", "Sin cambios.";
    no_changes_where_read(): "No changes where the hosts could be read.", "Sin cambios donde se pudo leer.";
    nothing_on_hosts(): "Review: nothing changes on any host.", "Revisión: nada cambia en ningún servidor.";
    then(what): "Then: {what}.", "Después: {what}.";
    to_restart(count): "{count} to restart", "{count} por reiniciar";
    to_reload(count): "{count} to reload", "{count} por recargar";
    attention(what): "Attention: {what}.", "Atención: {what}.";
    resource_unread(): "1 resource could not be read", "1 recurso no se pudo leer";
    resources_unread(count): "{count} resources could not be read", "{count} recursos no se pudieron leer";
    host_unreachable(): "1 host unreachable", "1 servidor inalcanzable";
    hosts_unreachable(count): "{count} hosts unreachable", "{count} servidores inalcanzables";
    host_failed(): "1 host failed", "1 servidor falló";
    hosts_failed(count): "{count} hosts failed", "{count} servidores fallaron";

    // documents
    plan_title(name, revision): "Plan: {name} at {revision}", "Plan: {name} en {revision}";
    drift_title(name, revision): "Drift: {name} at {revision}", "Desvío: {name} en {revision}";
    review_title(name, revision): "Review: {name} at {revision}", "Revisión: {name} en {revision}";
    broken_title(): "Review: the inventory has mistakes", "Revisión: el inventario tiene errores";
    nothing_compared(): "Nothing could be compared.", "No se pudo comparar nada.";
    no_revision(): "no revision", "ninguna revisión";
    table_head(): "| Host | Changes |", "| Servidor | Cambios |";
    more_hosts(more): "{more} more hosts", "{more} servidores más";
    more(count): "… {count} more", "… {count} más";
    and_others(count): " and {count} others", " y {count} más";
    left_out(names, others): "These diffs did not fit and were left out: {names}{others}. Run the command itself to see them.",
        "Estas diferencias no cabían y faltan: {names}{others}. Ejecute la orden misma para verlas.";
    one_change(): "1 change", "1 cambio";
    some_changes(count): "{count} changes", "{count} cambios";
    module_is(name, what): "module {name}: {what}", "módulo {name}: {what}";
    module_heading(name, what): "module {name}  {what}", "módulo {name}  {what}";
    drift_cell(state, count): "{state}, {count} differ", "{state}, {count} difieren";
    hosts_are(states): "Hosts: {states}.", "Servidores: {states}.";

    // the table of drift
    state_ok(): "ok", "bien";
    state_drift(): "drift", "desvío";
    head_host(): "HOST", "SERVIDOR";
    head_state(): "STATE", "ESTADO";
    head_differs(): "DIFFERS", "DIFIEREN";
    head_first(): "FIRST", "PRIMERO";

    // reviews: hosts, ports, data
    host_new(): "new in the inventory", "nuevo en el inventario";
    host_leaves(): "the host leaves the inventory; nothing on it is touched", "el servidor sale del inventario; en él no se toca nada";
    keeps_data_host_leaves(service): "{service} keeps data there, and the host leaves", "{service} guarda datos ahí, y el servidor sale";
    saved_no_more(service): "{service} keeps data there, and nothing saves it any more", "{service} guarda datos ahí, y ya nada los guarda en otra parte";
    keeps_data_moved(service): "{service} keeps data there, and is no longer on this host", "{service} guarda datos ahí, y ya no está en este servidor";
    opens(ports): "opens {ports}", "abre {ports}";
    closes(ports): "closes {ports}", "cierra {ports}";
    of_module(name, what): "{name}: {what}", "{name}: {what}";

    // reviews: modules
    module_new(version): "new in use, version {version}", "se empieza a usar, versión {version}";
    module_gone(version): "no longer used, was version {version}", "ya no se usa, era la versión {version}";
    module_within(version): "content changed within version {version}", "cambió el contenido dentro de la versión {version}";
    module_becomes(old, new): "version {old} becomes {new}", "la versión {old} pasa a {new}";
    module_not_here(what): "{what}; the text before came with another Steward and is not here to compare",
        "{what}; el texto anterior vino con otro Steward y no está aquí para comparar";

    // reviews: people
    gains(person, what): "{person} gains {what}", "{person} obtiene {what}";
    loses(person, what): "{person} loses {what}", "{person} pierde {what}";
    gains_access(person, role, what): "{person} gains access as {role}: {what}", "{person} obtiene acceso como {role}: {what}";
    loses_access(person, role, what): "{person} loses access as {role}: {what}", "{person} pierde el acceso como {role}: {what}";
    and_also(one, other): "{one}, and {other}", "{one}, y {other}";
    account_on(hosts): "the account on {hosts}", "la cuenta en {hosts}";
    reading(secrets): "reading {secrets}", "la lectura de {secrets}";
    no_account(): "no account on any host", "ninguna cuenta en ningún servidor";
    an_account_on(hosts): "an account on {hosts}", "una cuenta en {hosts}";
    a_sudo_account_on(hosts): "an account with sudo on {hosts}", "una cuenta con sudo en {hosts}";
    no_secret(): "no secret", "ningún secreto";
    reads(secrets): "reads {secrets}", "lee {secrets}";
    did_read(secrets): "read {secrets}", "leía {secrets}";
    both(one, other): "{one}; {other}", "{one}; {other}";
    gains_rights(person, old, new): "{person} gains rights: {old} becomes {new}", "{person} obtiene derechos: {old} pasa a {new}";
    loses_rights(person, old, new): "{person} loses rights: {old} becomes {new}", "{person} pierde derechos: {old} pasa a {new}";
    other_account(person, new, old): "{person} gains the account {new} and loses {old}", "{person} obtiene la cuenta {new} y pierde {old}";
    gains_key(person, kind, keys): "{person} gains {kind} key {keys}", "{person} obtiene la llave {kind} {keys}";
    gains_keys(person, kind, keys): "{person} gains {kind} keys {keys}", "{person} obtiene las llaves {kind} {keys}";
    loses_key(person, kind, keys): "{person} loses {kind} key {keys}", "{person} pierde la llave {kind} {keys}";
    loses_keys(person, kind, keys): "{person} loses {kind} keys {keys}", "{person} pierde las llaves {kind} {keys}";
    known_still(person, secrets): "{person} has read {secrets}; what was read stays known until the value is changed",
        "{person} leyó {secrets}; lo leído se sigue sabiendo hasta que cambie el valor";

    // reviews: secrets
    secret_damaged(name, why): "{name}: its .recipients is damaged: {why}", "{name}: su .recipients está dañado: {why}";
    secret_new(name): "{name}: new secret", "{name}: secreto nuevo";
    secret_gone(name): "{name}: gone", "{name}: desaparece";
    secret_forged(name): "{name}: the encrypted file is not the one that its .recipients describes",
        "{name}: el archivo cifrado no es el que describe su .recipients";
    secret_value(name): "{name}: value changed", "{name}: cambió el valor";
    secret_readers(name, readers): "{name}: readers changed: {readers}", "{name}: cambió quién lo lee: {readers}";
    secret_keys(name): "{name}: readers' keys changed", "{name}: cambiaron las llaves de quienes lo leen";
    secret_anew(name): "{name}: encrypted anew; the same value, it claims", "{name}: cifrado de nuevo; dice que es el mismo valor";
    secret_unset(name): "{name}: declared, and no value is set yet", "{name}: declarado, y aún sin valor";
    rekey_missing(name, what): "{name} {what}: `steward secrets rekey` is missing", "{name} {what}: falta `steward secrets rekey`";
    still_encrypted_to(people): "is still encrypted to {people}", "sigue cifrado para {people}";
    not_encrypted_to(people): "is not encrypted to {people}", "no está cifrado para {people}";
    and_then(one, other): "{one} and {other}", "{one} y {other}";
    other_keys(): "is encrypted to other keys than the inventory has", "está cifrado para otras llaves que las del inventario";
}
