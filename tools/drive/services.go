package main

import (
	"github.com/owncloud/ocis/v2/ocis-pkg/config"
	authbasic "github.com/owncloud/ocis/v2/services/auth-basic/pkg/command"
	authmachine "github.com/owncloud/ocis/v2/services/auth-machine/pkg/command"
	frontend "github.com/owncloud/ocis/v2/services/frontend/pkg/command"
	gateway "github.com/owncloud/ocis/v2/services/gateway/pkg/command"
	graph "github.com/owncloud/ocis/v2/services/graph/pkg/command"
	groups "github.com/owncloud/ocis/v2/services/groups/pkg/command"
	idm "github.com/owncloud/ocis/v2/services/idm/pkg/command"
	nats "github.com/owncloud/ocis/v2/services/nats/pkg/command"
	notifications "github.com/owncloud/ocis/v2/services/notifications/pkg/command"
	ocdav "github.com/owncloud/ocis/v2/services/ocdav/pkg/command"
	ocs "github.com/owncloud/ocis/v2/services/ocs/pkg/command"
	proxy "github.com/owncloud/ocis/v2/services/proxy/pkg/command"
	search "github.com/owncloud/ocis/v2/services/search/pkg/command"
	settings "github.com/owncloud/ocis/v2/services/settings/pkg/command"
	sharing "github.com/owncloud/ocis/v2/services/sharing/pkg/command"
	storagepubliclink "github.com/owncloud/ocis/v2/services/storage-publiclink/pkg/command"
	storageshares "github.com/owncloud/ocis/v2/services/storage-shares/pkg/command"
	storagesystem "github.com/owncloud/ocis/v2/services/storage-system/pkg/command"
	storageusers "github.com/owncloud/ocis/v2/services/storage-users/pkg/command"
	store "github.com/owncloud/ocis/v2/services/store/pkg/command"
	thumbnails "github.com/owncloud/ocis/v2/services/thumbnails/pkg/command"
	users "github.com/owncloud/ocis/v2/services/users/pkg/command"
	webdav "github.com/owncloud/ocis/v2/services/webdav/pkg/command"
	"github.com/thejerf/suture/v4"
)

// services are those that can be run, by the names of OCIS_RUN_SERVICES.
var services = map[string]func(*config.Config) suture.Service{
	"auth-basic":         authbasic.NewSutureService,
	"auth-machine":       authmachine.NewSutureService,
	"frontend":           frontend.NewSutureService,
	"gateway":            gateway.NewSutureService,
	"graph":              graph.NewSutureService,
	"groups":             groups.NewSutureService,
	"idm":                idm.NewSutureService,
	"nats":               nats.NewSutureService,
	"notifications":      notifications.NewSutureService,
	"ocdav":              ocdav.NewSutureService,
	"ocs":                ocs.NewSutureService,
	"proxy":              proxy.NewSutureService,
	"search":             search.NewSutureService,
	"settings":           settings.NewSutureService,
	"sharing":            sharing.NewSutureService,
	"storage-publiclink": storagepubliclink.NewSutureService,
	"storage-shares":     storageshares.NewSutureService,
	"storage-system":     storagesystem.NewSutureService,
	"storage-users":      storageusers.NewSutureService,
	"store":              store.NewSutureService,
	"thumbnails":         thumbnails.NewSutureService,
	"users":              users.NewSutureService,
	"webdav":             webdav.NewSutureService,
}
