// SPDX-License-Identifier: GPL-2.0
#include "diff/debug.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>

uint64_t debug_number(Dwarf_Die *die, unsigned int name, uint64_t missing)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;

	if (!dwarf_attr(die, name, &attr) || dwarf_formudata(&attr, &value))
		return missing;
	return value;
}

bool debug_type(Dwarf_Die *die, Dwarf_Die *type)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, type);
}

static void read_units(Dwarf *dwarf, void (*fn)(void *arg, Dwarf_Die *die), void *arg)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit, child;

	while (!dwarf_get_units(dwarf, cu, &cu, NULL, NULL, &unit, NULL)) {
		if (dwarf_child(&unit, &child))
			continue;
		do
			fn(arg, &child);
		while (!dwarf_siblingof(&child, &child));
	}
}

/* libdwfl relocates the debug sections of an object that is not linked. */
struct error *debug_each(const char *path, void (*fn)(void *arg, Dwarf_Die *die), void *arg)
{
	static const Dwfl_Callbacks callbacks = { .find_elf = dwfl_build_id_find_elf,
						  .find_debuginfo = dwfl_standard_find_debuginfo,
						  .section_address = dwfl_offline_section_address };
	struct error *err = NULL;
	Dwfl *dwfl = dwfl_begin(&callbacks);
	Dwfl_Module *module;
	Dwarf_Addr bias;
	Dwarf *dwarf;

	if (!dwfl)
		return system_error(0, "libdwfl: %s", dwfl_errmsg(-1));
	module = dwfl_report_offline(dwfl, path, path, -1);
	dwarf = module && !dwfl_report_end(dwfl, NULL, NULL) ? dwfl_module_getdwarf(module, &bias) : NULL;
	if (dwarf)
		read_units(dwarf, fn, arg);
	else
		err = system_error(0, "%s: its debug information cannot be read: %s", path, dwfl_errmsg(-1));
	dwfl_end(dwfl);
	return err;
}
