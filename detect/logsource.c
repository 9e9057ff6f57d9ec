/* The tables of logsources.
 *
 * A category is served by Sysmon, and by Security's audit events where these have the same fields
 * (canon.c): 4688 for process_creation, 4657 for values of the registry.  A product limits a
 * category to the channels of its own; a service beside a category to its channels. */

#include <string.h>

#include "detect/logsource.h"
#include "detect/spelling.h"

#define SYSMON "Microsoft-Windows-Sysmon/Operational"
#define LINUX_SYSMON "Linux-Sysmon/Operational"
#define POWERSHELL "Microsoft-Windows-PowerShell/Operational"
#define POWERSHELL_CORE "PowerShellCore/Operational"
#define POWERSHELL_CLASSIC "Windows PowerShell"

/* Where a service writes. */
static const struct {
	const char *product;
	const char *service;
	const char *channel;
} services[] = {
	{ "linux", "sysmon", LINUX_SYSMON },
	{ "windows", "application", "Application" },
	{ "windows", "applocker", "Microsoft-Windows-AppLocker/EXE and DLL" },
	{ "windows", "applocker", "Microsoft-Windows-AppLocker/MSI and Script" },
	{ "windows", "applocker", "Microsoft-Windows-AppLocker/Packaged app-Deployment" },
	{ "windows", "applocker", "Microsoft-Windows-AppLocker/Packaged app-Execution" },
	{ "windows", "appmodel-runtime", "Microsoft-Windows-AppModel-Runtime/Admin" },
	{ "windows", "appxdeployment-server",
		"Microsoft-Windows-AppXDeploymentServer/Operational" },
	{ "windows", "appxpackaging-om", "Microsoft-Windows-AppxPackaging/Operational" },
	{ "windows", "bits-client", "Microsoft-Windows-Bits-Client/Operational" },
	{ "windows", "capi2", "Microsoft-Windows-CAPI2/Operational" },
	{ "windows", "certificateservicesclient-lifecycle-system",
		"Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational" },
	{ "windows", "codeintegrity-operational", "Microsoft-Windows-CodeIntegrity/Operational" },
	{ "windows", "diagnosis-scripted", "Microsoft-Windows-Diagnosis-Scripted/Operational" },
	{ "windows", "dns-client", "Microsoft-Windows-DNS Client Events/Operational" },
	{ "windows", "dns-server", "DNS Server" },
	{ "windows", "driver-framework",
		"Microsoft-Windows-DriverFrameworks-UserMode/Operational" },
	{ "windows", "firewall-as",
		"Microsoft-Windows-Windows Firewall With Advanced Security/Firewall" },
	{ "windows", "iis-configuration", "Microsoft-IIS-Configuration/Operational" },
	{ "windows", "ldap", "Microsoft-Windows-LDAP-Client/Debug" },
	{ "windows", "lsa-server", "Microsoft-Windows-LSA/Operational" },
	{ "windows", "msexchange-management", "MSExchange Management" },
	{ "windows", "ntlm", "Microsoft-Windows-NTLM/Operational" },
	{ "windows", "openssh", "OpenSSH/Operational" },
	{ "windows", "powershell", POWERSHELL },
	{ "windows", "powershell", POWERSHELL_CORE },
	{ "windows", "powershell-classic", POWERSHELL_CLASSIC },
	{ "windows", "printservice-admin", "Microsoft-Windows-PrintService/Admin" },
	{ "windows", "printservice-operational", "Microsoft-Windows-PrintService/Operational" },
	{ "windows", "security", "Security" },
	{ "windows", "security-mitigations", "Microsoft-Windows-Security-Mitigations/Kernel Mode" },
	{ "windows", "security-mitigations", "Microsoft-Windows-Security-Mitigations/User Mode" },
	{ "windows", "shell-core", "Microsoft-Windows-Shell-Core/Operational" },
	{ "windows", "smbclient-connectivity", "Microsoft-Windows-SmbClient/Connectivity" },
	{ "windows", "smbclient-security", "Microsoft-Windows-SmbClient/Security" },
	{ "windows", "smbserver-connectivity", "Microsoft-Windows-SMBServer/Connectivity" },
	{ "windows", "sysmon", SYSMON },
	{ "windows", "system", "System" },
	{ "windows", "taskscheduler", "Microsoft-Windows-TaskScheduler/Operational" },
	{ "windows", "terminalservices-localsessionmanager",
		"Microsoft-Windows-TerminalServices-LocalSessionManager/Operational" },
	{ "windows", "vhdmp", "Microsoft-Windows-VHDMP/Operational" },
	{ "windows", "windefend", "Microsoft-Windows-Windows Defender/Operational" },
	{ "windows", "wmi", "Microsoft-Windows-WMI-Activity/Operational" },
};

/* What a category consists of. */
static const struct {
	const char *product;
	const char *category;
	struct route route;
} categories[] = {
	{ "linux", "file_delete", { LINUX_SYSMON, 23 } },
	{ "linux", "file_event", { LINUX_SYSMON, 11 } },
	{ "linux", "network_connection", { LINUX_SYSMON, 3 } },
	{ "linux", "process_access", { LINUX_SYSMON, 10 } },
	{ "linux", "process_creation", { LINUX_SYSMON, 1 } },
	{ "linux", "process_termination", { LINUX_SYSMON, 5 } },
	{ "linux", "raw_access_thread", { LINUX_SYSMON, 9 } },
	{ "linux", "sysmon_status", { LINUX_SYSMON, 4 } },
	{ "linux", "sysmon_status", { LINUX_SYSMON, 16 } },
	{ "windows", "clipboard_capture", { SYSMON, 24 } },
	{ "windows", "create_remote_thread", { SYSMON, 8 } },
	{ "windows", "create_stream_hash", { SYSMON, 15 } },
	{ "windows", "dns_query", { SYSMON, 22 } },
	{ "windows", "driver_load", { SYSMON, 6 } },
	{ "windows", "file_block_executable", { SYSMON, 27 } },
	{ "windows", "file_block_shredding", { SYSMON, 28 } },
	{ "windows", "file_change", { SYSMON, 2 } },
	{ "windows", "file_delete", { SYSMON, 23 } },
	{ "windows", "file_delete", { SYSMON, 26 } },
	{ "windows", "file_delete_detected", { SYSMON, 26 } },
	{ "windows", "file_event", { SYSMON, 11 } },
	{ "windows", "file_executable_detected", { SYSMON, 29 } },
	{ "windows", "image_load", { SYSMON, 7 } },
	{ "windows", "network_connection", { SYSMON, 3 } },
	{ "windows", "pipe_created", { SYSMON, 17 } },
	{ "windows", "pipe_created", { SYSMON, 18 } },
	{ "windows", "process_access", { SYSMON, 10 } },
	{ "windows", "process_creation", { SYSMON, 1 } },
	{ "windows", "process_creation", { "Security", 4688 } },
	{ "windows", "process_tampering", { SYSMON, 25 } },
	{ "windows", "process_termination", { SYSMON, 5 } },
	{ "windows", "ps_classic_provider_start", { POWERSHELL_CLASSIC, 600 } },
	{ "windows", "ps_classic_script", { POWERSHELL_CLASSIC, 800 } },
	{ "windows", "ps_classic_start", { POWERSHELL_CLASSIC, 400 } },
	{ "windows", "ps_module", { POWERSHELL, 4103 } },
	{ "windows", "ps_module", { POWERSHELL_CORE, 4103 } },
	{ "windows", "ps_script", { POWERSHELL, 4104 } },
	{ "windows", "ps_script", { POWERSHELL_CORE, 4104 } },
	{ "windows", "raw_access_thread", { SYSMON, 9 } },
	{ "windows", "registry_add", { SYSMON, 12 } },
	{ "windows", "registry_delete", { SYSMON, 12 } },
	{ "windows", "registry_event", { SYSMON, 12 } },
	{ "windows", "registry_event", { SYSMON, 13 } },
	{ "windows", "registry_event", { SYSMON, 14 } },
	{ "windows", "registry_event", { "Security", 4657 } },
	{ "windows", "registry_rename", { SYSMON, 14 } },
	{ "windows", "registry_set", { SYSMON, 13 } },
	{ "windows", "registry_set", { "Security", 4657 } },
	{ "windows", "sysmon_error", { SYSMON, 255 } },
	{ "windows", "sysmon_status", { SYSMON, 4 } },
	{ "windows", "sysmon_status", { SYSMON, 16 } },
	{ "windows", "wmi_event", { SYSMON, 19 } },
	{ "windows", "wmi_event", { SYSMON, 20 } },
	{ "windows", "wmi_event", { SYSMON, 21 } },
};

_Static_assert(sizeof(services) / sizeof(services[0]) <= LOGSOURCE_ROUTES_MAX,
	"a product alone is all of its services");

/* An absent word is any. */
static bool
is_wanted(struct slice word, const char *name)
{
	return word.len == 0 || slice_equal_nocase(word, slice_of(name));
}

static bool
writes_to(struct slice service, const char *channel)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (is_wanted(service, services[i].service) &&
			strcmp(services[i].channel, channel) == 0)
			return true;
	return false;
}

uint32_t
logsource_routes(struct slice product, struct slice category, struct slice service,
	struct route routes[LOGSOURCE_ROUTES_MAX])
{
	uint32_t n = 0;

	if (product.len == 0 && category.len == 0 && service.len == 0)
		return 0;
	for (size_t i = 0; category.len > 0 && i < sizeof(categories) / sizeof(categories[0]); i++)
		if (is_wanted(category, categories[i].category) &&
			is_wanted(product, categories[i].product) &&
			writes_to(service, categories[i].route.channel))
			routes[n++] = categories[i].route;
	for (size_t i = 0; category.len == 0 && i < sizeof(services) / sizeof(services[0]); i++)
		if (is_wanted(service, services[i].service) &&
			is_wanted(product, services[i].product))
			routes[n++] = (struct route){ services[i].channel, -1 };
	return n;
}

/* Is the word the known one, or a slip for it? */
static void
look_at(struct slice word, const char *known, const char **meant, bool *exact)
{
	*exact = *exact || slice_equal_nocase(word, slice_of(known));
	if (*meant == NULL && spelling_is_near(word, slice_of(known)))
		*meant = known;
}

const char *
logsource_meant(struct slice product, struct slice category, struct slice service)
{
	const char *meant[3] = { NULL, NULL, NULL };
	bool exact[3] = { false, false, false };

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		look_at(product, services[i].product, &meant[0], &exact[0]);
		look_at(service, services[i].service, &meant[1], &exact[1]);
	}
	for (size_t i = 0; i < sizeof(categories) / sizeof(categories[0]); i++)
		look_at(category, categories[i].category, &meant[2], &exact[2]);
	for (size_t i = 0; i < 3; i++)
		if (!exact[i] && meant[i] != NULL)
			return meant[i];
	return NULL;
}

bool
logsource_takes(const struct route *routes, uint32_t count, struct slice channel, int32_t event_id)
{
	for (uint32_t i = 0; i < count; i++)
		if ((routes[i].event_id == -1 || routes[i].event_id == event_id) &&
			slice_equal_nocase(slice_of(routes[i].channel), channel))
			return true;
	return false;
}
